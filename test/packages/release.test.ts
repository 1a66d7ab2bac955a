import { execFile, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { notRun } from '../helpers/not-run.js';
import { tempDir } from '../helpers/temp-dir.js';

const run = promisify(execFile);
const out = tempDir();
const home = tempDir();
const release = (...args: string[]) =>
  // Without a build, since other tests run the built files.
  run(process.execPath, ['scripts/release.mjs', '--dry-run', '--no-build', '--out', out, ...args]);

const hasPython = spawnSync('python3', ['-c', 'import tomllib']).status === 0;
function releaseTest(title: string, dryRun: (t: ExecutionContext) => Promise<void>): void {
  if (hasPython) test(title, dryRun);
  else notRun(`python: not found, release not run: ${title}`);
}

interface Component {
  name: string;
  version: string;
  scope: string;
}

releaseTest(
  'a dry run creates the packages, SBOMs, notes and checksums of the next version and changes nothing',
  async (t) => {
    t.timeout(300_000);
    const before = await unchanged();
    const { stdout } = await release('minor');
    t.deepEqual(await unchanged(), before);

    const { version }: { version: string } = JSON.parse(readFileSync('package.json', 'utf8'));
    const [major, minor] = version.split('.').map(Number);
    const next = `${major}.${(minor ?? 0) + 1}.0`;
    t.regex(
      stdout,
      new RegExp(
        `orama-functions ${next}: .* would be committed and tagged v${next} and sdk/go/v${next}$`,
        'm',
      ),
    );
    const [engine, client, go] = [
      `orama-functions-${next}.tgz`,
      `orama-functions-client-${next}.tgz`,
      `orama-sdk-go-${next}.tar.gz`,
    ];
    const [wheel, sdist] = [
      `orama_functions_client-${next}-py3-none-any.whl`,
      `orama_functions_client-${next}.tar.gz`,
    ];
    const sboms = ['orama-functions', 'orama-functions-client', 'orama_functions_client', 'orama-sdk-go'];
    const made = [engine, client, go, wheel, sdist, ...sboms.map((name) => `${name}-${next}.cdx.json`)];
    t.deepEqual(readdirSync(out).sort(), [...made, 'RELEASE_NOTES.md', 'SHA256SUMS'].sort());
    const sums = await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: out });
    t.is(sums.stdout.match(/: OK$/gm)?.length, made.length + 1);

    const inside = async (archive: string, path: string) =>
      (await run('tar', ['-xzOf', join(out, archive), path])).stdout;
    for (const tarball of [engine, client]) {
      const manifest = JSON.parse(await inside(tarball, 'package/package.json'));
      t.like(manifest, { version: next, publishConfig: { access: 'public', provenance: true } });
    }
    const inWheel = `orama_functions_client-${next}.dist-info/METADATA`;
    const { stdout: metadata } = await run('python3', [
      '-c',
      'import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]).decode())',
      ...[join(out, wheel), inWheel],
    ]);
    t.regex(metadata, new RegExp(`^Name: orama-functions-client\nVersion: ${next}$`, 'm'));
    t.regex(await inside(sdist, `orama_functions_client-${next}/pyproject.toml`), new RegExp(`"${next}"`));
    t.regex(await inside(go, `orama-sdk-go-${next}/oramaclient/client.go`), /^package oramaclient$/m);

    const document = JSON.parse(readFileSync(join(out, `orama-functions-${next}.cdx.json`), 'utf8'));
    t.is(document.bomFormat, 'CycloneDX');
    t.like(document.metadata.component, { name: 'orama-functions', version: next });
    const components: Component[] = document.components;
    // Installed dependencies and bundled ones; build tools are not included.
    const named = (name: string) => components.find((component) => component.name === name);
    t.is(named('libsql')?.scope, 'required');
    t.is(named('bullmq')?.scope, 'required');
    t.is(named('wasi-js')?.scope, 'required');
    t.is(named('typescript'), undefined);
    t.is(named('ava'), undefined);
    const ofClient = JSON.parse(readFileSync(join(out, `orama_functions_client-${next}.cdx.json`), 'utf8'));
    t.is(ofClient.metadata.component.purl, `pkg:pypi/orama-functions-client@${next}`);
  },
);

test('an invalid version and a version that Python cannot express are refused', async (t) => {
  const none = await t.throwsAsync(release('newest'));
  t.regex(none?.message ?? '', /must be major, minor, patch or one such as 1\.2\.3, not newest/);
  const nightly = await t.throwsAsync(release('1.2.3-nightly'));
  t.regex(nightly?.message ?? '', /must end in -alpha\.1, -beta\.1 or -rc\.1, not -nightly/);
});

test('a directory for the release that has other files in it is refused, and they stay', async (t) => {
  writeFileSync(join(home, 'thesis.txt'), 'of years');
  const file = join(home, 'thesis.txt');
  const refused = await t.throwsAsync(release('--out', home));
  t.regex(refused?.message ?? '', /^error: .* is not empty; name a new directory with --out$/m);
  t.deepEqual(readdirSync(home), ['thesis.txt']);
  const noDirectory = await t.throwsAsync(release('--out', file));
  t.regex(noDirectory?.message ?? '', /^error: .*thesis.txt is no directory; name a new one with --out$/m);
  t.is(readFileSync(file, 'utf8'), 'of years');
});

async function unchanged(): Promise<string> {
  const { stdout } = await run('git', ['status', '--porcelain']);
  const tags = await run('git', ['tag', '--list']);
  return stdout + tags.stdout;
}
