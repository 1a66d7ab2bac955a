import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SOURCE = 'test/fixtures/http-go';
const OUTPUT = '.build/guests';

let built: Promise<Buffer> | undefined;

/**
 * Builds the guest for the tests of HTTP functions; see test/fixtures/http-go/main.go. Go's cache
 * makes further builds fast.
 */
export function httpGuest(): Promise<Buffer> {
  built ??= build();
  return built;
}

async function build(): Promise<Buffer> {
  await mkdir(OUTPUT, { recursive: true });
  const file = join(process.cwd(), OUTPUT, `http-${process.pid}.wasm`);
  await promisify(execFile)('go', ['build', '-o', file, '.'], {
    cwd: SOURCE,
    env: { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm' },
  });
  return readFile(file);
}
