// What the builds of the console and of the guide have in common.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const TEXT = /\.(css|html|js|json|svg)$/;

/**
 * Builds only when what the site is made of has changed: the named packages, or any file of
 * `sources`. Every text is then also there as gzip and Brotli. `stampFile` is beside the folder,
 * which holds nothing but what is served.
 */
export async function buildSite({ out, stampFile, packages, sources, build }) {
  const stamp = stampOf(packages, sources);
  if (existsSync(`${out}/index.html`) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp)
    return;
  rmSync(stampFile, { force: true });
  const { NODE_ENV } = process.env;
  await build();
  // vite leaves it at `production`, and what is started afterwards, npm for one, would take it
  // over.
  if (NODE_ENV === undefined) delete process.env.NODE_ENV;
  else process.env.NODE_ENV = NODE_ENV;
  for (const name of filesOf(out).filter((each) => TEXT.test(each))) {
    const bytes = readFileSync(name);
    writeFileSync(`${name}.gz`, gzipSync(bytes, { level: 9 }));
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
    writeFileSync(`${name}.br`, brotliCompressSync(bytes, { params }));
  }
  writeFileSync(stampFile, stamp);
}

function stampOf(names, sources) {
  const hash = createHash('sha256');
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  for (const name of names) hash.update(`${name} ${packages[`node_modules/${name}`].version}\n`);
  for (const source of [...sources, 'scripts/built-site.mjs']) {
    for (const file of filesOf(source)) hash.update(`${file}\n`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** Of a directory all files below it; a file is itself. */
function filesOf(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
