// The shared part of the builds of the console and of the guide.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const TEXT = /\.(css|html|js|json|svg)$/;

/**
 * Builds a site if its packages or a file of `sources` have changed, and compresses every text file
 * with gzip and Brotli. `stampFile` is outside the directory, which contains only files that are
 * served.
 */
export async function buildSite({ out, stampFile, packages, sources, build }) {
  const stamp = stampOf(packages, sources);
  if (existsSync(`${out}/index.html`) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp)
    return;
  rmSync(stampFile, { force: true });
  const { NODE_ENV } = process.env;
  await build();
  // vite leaves NODE_ENV at `production`, which processes started afterwards, such as npm, would
  // inherit.
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

/** Returns all files below a directory; for a file, the file itself. */
function filesOf(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
