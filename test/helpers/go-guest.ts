import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const CACHE = '.build/guests';

/**
 * Builds a guest with the standard Go toolchain, once per change of the `main.go` in its directory.
 */
export async function goGuest(directory: string): Promise<Buffer> {
  const hash = createHash('sha256')
    .update(await readFile(join(directory, 'main.go')))
    .digest('hex')
    .slice(0, 16);
  const file = join(CACHE, `${basename(directory)}-${hash}.wasm`);
  try {
    return await readFile(file);
  } catch {
    await mkdir(CACHE, { recursive: true });
    // Concurrent builds by several test processes produce the same bytes under the same name.
    const draft = `${file}.${process.pid}`;
    await promisify(execFile)('go', ['build', '-o', join(process.cwd(), draft), '.'], {
      cwd: directory,
      env: { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm' },
    });
    await rename(draft, file);
    return readFile(file);
  }
}
