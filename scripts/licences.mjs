// Collects the licences of the bundled packages: most require that their text is distributed with
// the code.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const LICENCE_FILE = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/**
 * Writes one section per bundled package. Returns their names and versions. Throws, and thus fails
 * the build, when a package names no licence.
 */
export function writeLicences(inputs, target) {
  const roots = new Set(inputs.filter((path) => path.includes('node_modules/')).map(packageRoot));
  const sections = [...roots].map(section).sort((a, b) => (a.title < b.title ? -1 : 1));
  const list = sections.map(({ title, licence }) => `${title}: ${licence}`).join('\n');
  const texts = sections.map(
    ({ title, licence, text }) => `${'='.repeat(79)}\n${title} (${licence})\n\n${text}\n`,
  );
  const intro = 'This package holds code of the following packages, each under its own licence.';
  writeFileSync(target, `${intro}\n\n${list}\n\n${texts.join('\n')}`);
  return sections.map(({ title }) => title);
}

/**
 * Returns the root of a package: `a/node_modules/b/node_modules/@c/d/e.js` →
 * `a/node_modules/b/node_modules/@c/d`, also for files of subpackages.
 */
function packageRoot(path) {
  const [, root] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path);
  return root;
}

function section(root) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const licence = typeof license === 'string' ? license : license?.type;
  if (licence === undefined) throw new Error(`${name}@${version} names no licence in its package.json`);
  const texts = licenceFiles(root).map((file) => readFileSync(file, 'utf8').trim());
  const text =
    texts.length > 0 ? texts.join('\n\n') : `By ${nameOf(author)}. The package holds no text of its licence.`;
  return { title: `${name}@${version}`, licence, text };
}

function nameOf(author) {
  return (typeof author === 'string' ? author : author?.name) ?? 'its contributors';
}

function licenceFiles(root) {
  const names = readdirSync(root).filter((name) => LICENCE_FILE.test(name));
  return names.sort().map((name) => join(root, name));
}
