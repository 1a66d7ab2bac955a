import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SOURCE = 'test/fixtures/probe';
const CACHE = '.build/guests';

/** An operation of the probe guest; see test/fixtures/probe/main.go. */
export interface Command {
  op: string;
  a?: string;
  b?: string;
  n?: number;
  json?: unknown;
}

let built: Promise<Buffer> | undefined;

/**
 * Builds the guest of the end-to-end tests with the standard Go toolchain, once per change of its
 * source.
 */
export function probeWasm(): Promise<Buffer> {
  built ??= build();
  return built;
}

async function build(): Promise<Buffer> {
  const hash = createHash('sha256')
    .update(await readFile(join(SOURCE, 'main.go')))
    .digest('hex')
    .slice(0, 16);
  const file = join(CACHE, `probe-${hash}.wasm`);
  try {
    return await readFile(file);
  } catch {
    await mkdir(CACHE, { recursive: true });
    // Concurrent builds by several test processes produce the same bytes under the same name.
    const draft = `${file}.${process.pid}`;
    await promisify(execFile)('go', ['build', '-o', join(process.cwd(), draft), '.'], {
      cwd: SOURCE,
      env: { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm' },
    });
    await rename(draft, file);
    return readFile(file);
  }
}

/** Returns the probe's input. */
export function commands(...list: Command[]): string {
  return JSON.stringify(list);
}
