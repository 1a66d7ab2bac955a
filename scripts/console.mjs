// Builds the console into dist/console, with every file also as gzip and Brotli; only when what it is made of has changed.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const SOURCE = 'console';
const OUT = 'dist/console';
/** Beside the folder, which holds nothing but what is served. */
const STAMP = 'dist/.console';
const PACKAGES = [
  ...['vite', 'preact', 'uplot', '@lezer/highlight'],
  ...['commands', 'lang-json', 'lang-sql', 'language', 'state', 'view'].map((part) => `@codemirror/${part}`),
];
const BUNDLED_TEXT = /\.(css|html|js|svg)$/;

export async function buildConsole() {
  const stamp = stampOf();
  if (existsSync(`${OUT}/index.html`) && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === stamp) return;
  rmSync(STAMP, { force: true });
  const { build } = await import('vite');
  const { NODE_ENV } = process.env;
  await build({
    configFile: false,
    root: SOURCE,
    base: '/console/',
    logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: `../${OUT}`,
      emptyOutDir: true,
      target: 'es2022',
      // Data URLs would need an exception in the page's policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      rolldownOptions: { input: { index: `${SOURCE}/index.html`, docs: `${SOURCE}/docs.html` } },
    },
  });
  // vite leaves it at `production`, and what is started afterwards, npm for one, would take it over.
  if (NODE_ENV === undefined) delete process.env.NODE_ENV;
  else process.env.NODE_ENV = NODE_ENV;
  for (const name of filesOf(OUT).filter((each) => BUNDLED_TEXT.test(each))) {
    const bytes = readFileSync(name);
    writeFileSync(`${name}.gz`, gzipSync(bytes, { level: 9 }));
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
    writeFileSync(`${name}.br`, brotliCompressSync(bytes, { params }));
  }
  writeFileSync(STAMP, stamp);
}

function stampOf() {
  const hash = createHash('sha256');
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  for (const name of PACKAGES) hash.update(`${name} ${packages[`node_modules/${name}`].version}\n`);
  for (const file of [...filesOf(SOURCE), 'scripts/console.mjs']) {
    hash.update(`${file}\n`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

function filesOf(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
