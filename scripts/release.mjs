// `npm run release -- [major|minor|patch|<version>] [--dry-run] [--no-build] [--out <dir>]`: makes
// a release without publishing it. Sets versions and changelog, builds and checks the packages,
// writes checksums and SBOMs, and commits and tags the release. With --dry-run, only the artefacts
// are made. See docs/releasing.md.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { checksums } from './release/checksums.mjs';
import { packGo, packNpm, packPython, purls } from './release/packages.mjs';
import { bundledSbom, plainSbom } from './release/sbom.mjs';
import { nextVersion, releaseNotes } from './release/version.mjs';
import { pythonVersion, setVersion } from './release/versions.mjs';

process.on('uncaughtException', ({ message }) => fail(message));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    build: { type: 'boolean', default: true },
    'dry-run': { type: 'boolean', default: false },
    out: { type: 'string' },
  },
});
const dryRun = values['dry-run'];
const OWN = 'dist/release';
const given = values.out ?? OWN;
const out = resolve(given);
const { name, version: current } = JSON.parse(readFileSync('package.json', 'utf8'));
const version = nextVersion(current, positionals[0]);
pythonVersion(version);
// The tags of a Go module in a subdirectory begin with the path of the subdirectory.
const tags = [`v${version}`, `sdk/go/v${version}`];
const today = new Date().toISOString().slice(0, 10);
const changelog = releaseNotes(readFileSync('CHANGELOG.md', 'utf8'), version, today);

for (const tag of tags) {
  if (git('tag', '--list', tag) !== '')
    fail(`The tag ${tag} exists; name the next version: npm run release -- patch`);
}
if (!dryRun && git('status', '--porcelain') !== '') fail('The work tree has changes; commit them first');

assertReplaceable();

if (values.build) run(process.execPath, 'scripts/build.mjs');
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const engine = packNpm('.', version, out);
const client = packNpm('clients/typescript', version, out);
const python = packPython(version, out);
const go = packGo(version, out);
run(process.execPath, 'node_modules/publint/src/cli.js', '--strict', join(out, engine));
run(process.execPath, 'node_modules/publint/src/cli.js', '--strict', join(out, client));
const attw = 'node_modules/@arethetypeswrong/cli/dist/index.js';
run(process.execPath, attw, join(out, engine));
// The client has only ES modules, which CommonJS code can require since Node 20.19.
run(process.execPath, attw, '--profile', 'esm-only', join(out, client));

const sboms = { [`${name}-${version}.cdx.json`]: bundledSbom(name, version) };
for (const [stem, purl] of Object.entries(purls(version))) {
  sboms[`${stem}-${version}.cdx.json`] = plainSbom(stem, version, purl);
}
for (const [file, document] of Object.entries(sboms)) {
  writeFileSync(join(out, file), `${JSON.stringify(document, null, 2)}\n`);
}
writeFileSync(join(out, 'RELEASE_NOTES.md'), changelog.notes);
const files = [engine, client, ...python, go, ...Object.keys(sboms), 'RELEASE_NOTES.md'];
writeFileSync(join(out, 'SHA256SUMS'), checksums(out, files));

if (!dryRun) {
  setVersion('.', version);
  run('npm', 'install', '--package-lock-only', '--ignore-scripts');
  writeFileSync('CHANGELOG.md', changelog.text);
  git('commit', '--all', '--message', `Release ${version}`);
  for (const tag of tags) git('tag', '--annotate', tag, '--message', changelog.notes);
}
const would = dryRun ? 'would be ' : '';
console.log(
  `\n${name} ${version}: versions and changelog ${would}set, ${would}committed and tagged ${tags.join(' and ')}`,
);
console.log(readFileSync(join(out, 'SHA256SUMS'), 'utf8'));
console.log('Send it with:\n  git push --follow-tags');
console.log('and, in CI:');
for (const tarball of [engine, client]) console.log(`  npm publish --provenance ${join(given, tarball)}`);
console.log(`  twine upload ${python.map((file) => join(given, file)).join(' ')}`);

/** Only the build's own directory may hold something, as it is emptied. */
function assertReplaceable() {
  if (out === resolve(OWN) || !existsSync(out)) return;
  if (!statSync(out).isDirectory()) fail(`${given} is no directory; name a new one with --out`);
  if (readdirSync(out).length > 0) fail(`${given} is not empty; name a new directory with --out`);
}

function git(...args) {
  return execFileSync('git', args, { encoding: 'utf8' }).trim();
}

function run(command, ...args) {
  execFileSync(command, args, { stdio: 'inherit' });
}

function fail(sentence) {
  console.error(`error: ${sentence}`);
  process.exit(1);
}
