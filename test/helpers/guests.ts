import { execFile, spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..', '..');
const sources = join(root, 'test', 'fixtures', 'guests');
const cache = join(root, '.build', 'guests');

export type GuestLanguage = 'c' | 'rust' | 'go' | 'assemblyscript';

interface Compiler {
  /** Command that exits with 0 if the compiler is installed. */
  probe: [string, ...string[]];
  missing: string;
  command(source: string, target: string): { file: string; args: string[]; env?: Record<string, string> };
}

const asc = () => createRequire(import.meta.url).resolve('assemblyscript/bin/asc.js');
const LIMIT_MS = 240_000;

const COMPILERS: Record<string, Compiler> = {
  '.c': {
    probe: ['clang', '--target=wasm32-wasi', '--version'],
    missing: 'clang with wasi-libc (Debian: clang lld wasi-libc libclang-rt-dev-wasm32)',
    command: (source, target) => ({
      file: 'clang',
      // A small stack keeps the initial memory at two pages.
      args: [
        '--target=wasm32-wasi',
        '-O2',
        '-Wl,-z,stack-size=16384',
        '-Wl,--export=malloc',
        '-o',
        target,
        source,
      ],
    }),
  },
  '.reactor.c': {
    probe: ['clang', '--target=wasm32-wasi', '--version'],
    missing: 'clang with wasi-libc (Debian: clang lld wasi-libc libclang-rt-dev-wasm32)',
    command: (source, target) => ({
      file: 'clang',
      args: [
        '--target=wasm32-wasi',
        '-O2',
        '-mexec-model=reactor',
        '-Wl,-z,stack-size=16384',
        '-o',
        target,
        source,
      ],
    }),
  },
  '.rs': {
    probe: ['rustc', '--print', 'target-libdir', '--target', 'wasm32-wasip1'],
    missing: 'rustc with the target wasm32-wasip1 (rustup target add wasm32-wasip1)',
    command: (source, target) => ({
      file: 'rustc',
      args: ['--target', 'wasm32-wasip1', '-O', '--edition', '2021', '-o', target, source],
    }),
  },
  '.go': {
    probe: ['go', 'version'],
    missing: 'go 1.24 or newer',
    command: (source, target) => ({
      file: 'go',
      args: ['build', '-o', target, source],
      env: { GOOS: 'wasip1', GOARCH: 'wasm' },
    }),
  },
  '.reactor.go': {
    probe: ['go', 'version'],
    missing: 'go 1.24 or newer',
    command: (source, target) => ({
      file: 'go',
      args: ['build', '-buildmode=c-shared', '-o', target, source],
      env: { GOOS: 'wasip1', GOARCH: 'wasm' },
    }),
  },
  '.as.ts': {
    probe: [process.execPath, '--version'],
    missing: 'assemblyscript (npm ci)',
    command: (source, target) => ({
      file: process.execPath,
      args: [
        asc(),
        source,
        '-o',
        target,
        '-O',
        '--runtime',
        'incremental',
        '--use',
        'abort=',
        '--exportRuntime',
      ],
    }),
  },
};

/** Returns the compiler for the longest matching file extension. */
function compilerOf(source: string): Compiler {
  const ending = Object.keys(COMPILERS)
    .filter((candidate) => source.endsWith(candidate))
    .sort((a, b) => b.length - a.length)[0];
  const compiler = ending === undefined ? undefined : COMPILERS[ending];
  if (compiler === undefined) throw new Error(`no compiler is listed for ${source}`);
  return compiler;
}

const probes = new Map<string, boolean>();

/**
 * Returns null if the source's compiler is installed, otherwise its name. Synchronous, since ava
 * registers no tests after an await.
 */
export function missingCompiler(source: string): string | null {
  const { probe, missing } = compilerOf(source);
  const [file, ...args] = probe;
  let found = probes.get(file);
  if (found === undefined) {
    found = spawnSync(file, args, { stdio: 'ignore' }).status === 0;
    probes.set(file, found);
  }
  return found ? null : missing;
}

const built = new Map<string, Promise<Uint8Array>>();

/**
 * Compiles a source of test/fixtures/guests, once per content. Throws an error that names the
 * compiler if it is missing.
 */
export function guest(source: string): Promise<Uint8Array> {
  let module = built.get(source);
  if (module === undefined) {
    module = build(source);
    built.set(source, module);
  }
  return module;
}

async function build(source: string): Promise<Uint8Array> {
  const path = join(sources, source);
  const compiler = compilerOf(source);
  const shown = compiler.command('', '');
  const hash = createHash('sha256')
    .update(JSON.stringify([shown.args, shown.env]))
    .update(await readFile(path))
    .digest('hex')
    .slice(0, 16);
  const target = join(cache, `${source}-${hash}.wasm`);
  if (existsSync(target)) return new Uint8Array(await readFile(target));
  const missing = missingCompiler(source);
  if (missing !== null) throw new Error(`${source} needs ${missing}, which is not on this machine`);

  await mkdir(cache, { recursive: true });
  // Test processes compile concurrently: each writes its own file, and the last rename wins.
  const draft = join(cache, `${randomUUID()}.wasm`);
  const { file, args, env } = compiler.command(path, draft);
  try {
    await run(file, args, { env: { ...process.env, ...env }, timeout: LIMIT_MS, cwd: tmpdir() });
    await rename(draft, target);
  } finally {
    await rm(draft, { force: true });
  }
  return new Uint8Array(await readFile(target));
}
