import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { tempDir } from '../helpers/temp-dir.js';

const run = promisify(execFile);
const out = tempDir();
const release = (...args: string[]) =>
  // Without a build, since other tests run the built files.
  run(process.execPath, ['scripts/release.mjs', '--dry-run', '--no-build', '--out', out, ...args]);

interface Component {
  name: string;
  version: string;
  scope: string;
}

test('a dry run makes tarball, SBOM, notes and checksums of the next version, and changes nothing else', async (t) => {
  const before = await unchanged();
  const { stdout } = await release('minor');
  t.deepEqual(await unchanged(), before);

  const { version }: { version: string } = JSON.parse(readFileSync('package.json', 'utf8'));
  const [major, minor] = version.split('.').map(Number);
  const next = `${major}.${(minor ?? 0) + 1}.0`;
  t.regex(stdout, new RegExp(`orama-functions ${next}: .* would be committed and tagged v${next}`));
  const [tarball, sbom] = [`orama-functions-${next}.tgz`, `orama-functions-${next}.cdx.json`];
  t.deepEqual(readdirSync(out).sort(), ['RELEASE_NOTES.md', 'SHA256SUMS', sbom, tarball].sort());
  await t.notThrowsAsync(run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: out }));
  const packed = await run('tar', ['-xzOf', join(out, tarball), 'package/package.json']);
  t.is(JSON.parse(packed.stdout).version, next);

  const document = JSON.parse(readFileSync(join(out, sbom), 'utf8'));
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
});

test('a version that is none is refused', async (t) => {
  const error = await t.throwsAsync(release('newest'));
  t.regex(error?.message ?? '', /must be major, minor, patch or one such as 1\.2\.3, not newest/);
});

async function unchanged(): Promise<string> {
  const { stdout } = await run('git', ['status', '--porcelain']);
  const tags = await run('git', ['tag', '--list']);
  return stdout + tags.stdout;
}
