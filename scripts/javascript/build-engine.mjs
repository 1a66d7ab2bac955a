// Builds dist/javascript: the engine on which every JavaScript function is based, and its runtime
// as bytecode.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { compile } from '../../dist/src/cli/build/javascript/compile.js';
import { linkEngine } from './link-engine.mjs';

const OUTPUT = 'dist/javascript';
const RUNTIME = 'sdk/javascript/runtime';
/** The sources of the engine and of its linker. */
const PARTS = ['sdk/javascript/engine', 'scripts/javascript'];

/**
 * Builds the engine and the runtime. Linking takes seconds, so it is repeated only when a source
 * has changed.
 */
export async function buildJavaScriptEngine() {
  mkdirSync(OUTPUT, { recursive: true });
  const stamp = join(OUTPUT, 'engine.of');
  const parts = versions();
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== parts) {
    writeFileSync(join(OUTPUT, 'engine.wasm'), linkEngine());
    writeFileSync(stamp, parts);
  }
  const { outputFiles } = await build({
    entryPoints: [join(RUNTIME, 'main.ts')],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2023',
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: 'warning',
  });
  const source = outputFiles[0].text;
  writeFileSync(join(OUTPUT, 'runtime.bin'), await compile(source, 'orama:runtime', 'script'));
}

function versions() {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const hash = createHash('sha256');
  for (const directory of PARTS) {
    for (const name of readdirSync(directory).sort()) hash.update(readFileSync(join(directory, name)));
  }
  const named = ['quickjs-wasi', 'binaryen', 'assemblyscript'].map(
    (name) => `${name} ${packages[`node_modules/${name}`].version}`,
  );
  return [...named, hash.digest('hex')].join(', ');
}
