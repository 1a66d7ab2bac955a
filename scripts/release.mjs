// `npm run release -- [major|minor|patch|<version>] [--dry-run] [--no-build] [--out <dir>]`: makes
// a release without publishing it. Sets version and changelog, packs and checks the tarball, writes
// checksums and SBOM, and commits and tags the release. With --dry-run, only the artefacts are
// made. See docs/releasing.md.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { checksums } from './release/checksums.mjs';
import { readManifest, writeManifest } from './release/manifest.mjs';
import { bundledSbom } from './release/sbom.mjs';
import { nextVersion, releaseNotes } from './release/version.mjs';

process.on('uncaughtException', ({ message }) => fail(message));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    build: { type: 'boolean', default: true },
    'dry-run': { type: 'boolean', default: false },
    out: { type: 'string', default: 'dist/release' },
  },
});
const dryRun = values['dry-run'];
const out = resolve(values.out);
const manifest = readManifest('.');
const version = nextVersion(manifest.version, positionals[0]);
const tag = `v${version}`;
const today = new Date().toISOString().slice(0, 10);
const changelog = releaseNotes(readFileSync('CHANGELOG.md', 'utf8'), version, today);

if (git('tag', '--list', tag) !== '')
  fail(`The tag ${tag} exists; name the next version: npm run release -- patch`);
if (!dryRun && git('status', '--porcelain') !== '') fail('The work tree has changes; commit them first');

if (values.build) run(process.execPath, 'scripts/build.mjs');
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const tarball = pack();
run(process.execPath, 'node_modules/publint/src/cli.js', '--strict', join(out, tarball));
run(process.execPath, 'node_modules/@arethetypeswrong/cli/dist/index.js', join(out, tarball));
const sbom = `${manifest.name}-${version}.cdx.json`;
writeFileSync(join(out, sbom), `${JSON.stringify(bundledSbom(manifest.name, version), null, 2)}\n`);
writeFileSync(join(out, 'RELEASE_NOTES.md'), changelog.notes);
writeFileSync(join(out, 'SHA256SUMS'), checksums(out, [tarball, sbom, 'RELEASE_NOTES.md']));

if (!dryRun) {
  writeManifest('.', { ...manifest, version });
  run('npm', 'install', '--package-lock-only', '--ignore-scripts');
  writeFileSync('CHANGELOG.md', changelog.text);
  git('commit', '--all', '--message', `Release ${version}`);
  git('tag', '--annotate', tag, '--message', changelog.notes);
}
const would = dryRun ? 'would be ' : '';
console.log(
  `\n${manifest.name} ${version}: version and changelog ${would}set, ${would}committed and tagged ${tag}`,
);
console.log(readFileSync(join(out, 'SHA256SUMS'), 'utf8'));
console.log(
  `Send it with: git push --follow-tags, and, in CI, npm publish --provenance ${join(values.out, tarball)}`,
);

/**
 * Packs the files that npm would pack, with the new version, from a copy, so that a dry run does
 * not modify the working tree.
 */
function pack() {
  const copy = mkdtempSync(join(tmpdir(), 'orama-release-'));
  try {
    const [{ files }] = JSON.parse(npm('pack', '--dry-run', '--json', '--ignore-scripts'));
    for (const { path } of files) {
      mkdirSync(dirname(join(copy, path)), { recursive: true });
      cpSync(path, join(copy, path));
    }
    writeManifest(copy, { ...manifest, version });
    const [{ filename }] = JSON.parse(
      npm('pack', copy, '--json', '--ignore-scripts', '--pack-destination', out),
    );
    if (!existsSync(join(out, filename))) fail(`npm pack made no ${filename}`);
    return filename;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function npm(...args) {
  return execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
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
