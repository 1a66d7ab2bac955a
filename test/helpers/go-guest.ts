import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const CACHE = '.build/guests';

/**
 * Builds a guest with the standard Go toolchain, once per change of the `main.go` in its directory
 * or of the SDK.
 */
export async function goGuest(directory: string): Promise<Buffer> {
  const sources = [join(directory, 'main.go')];
  for (const sdk of ['sdk/go', 'sdk/go/oramahttp']) {
    const names = (await readdir(sdk)).filter((name) => name.endsWith('.go'));
    sources.push(...names.sort().map((name) => join(sdk, name)));
  }
  const all = createHash('sha256');
  for (const source of sources) all.update(await readFile(source));
  const hash = all.digest('hex').slice(0, 16);
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
