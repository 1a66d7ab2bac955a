import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { runCli } from '../helpers/cli.js';
import { probeWasm } from '../helpers/probe.js';
import { startEngine } from '../helpers/running-engine.js';
import { tempDir } from '../helpers/temp-dir.js';

const home = tempDir();
const directory = join(home, 'probe');

const describe = (...lines: string[]) =>
  writeFileSync(join(directory, 'function.yaml'), `${['name: probe', ...lines].join('\n')}\n`);

test('deploy of a single function shows with --dry-run what it would change, and warns of an unset secret', async (t) => {
  const engine = await startEngine();
  t.teardown(engine.close);
  const env = { ORAMA_URL: engine.url, ORAMA_API_KEY: engine.adminKey };
  const orama = (...args: string[]) => runCli(args, { home, cwd: directory, env });
  mkdirSync(directory);
  writeFileSync(join(directory, 'function.wasm'), await probeWasm());
  describe('memory: 32');

  const first = await orama('deploy', '--dry-run');
  t.is(first.code, 0, first.stderr);
  t.regex(first.stdout, /^\+ probe {2}new \([\d.]+ KB\)$/m);
  t.regex(first.stdout, /^Dry run: 1 to deploy, 0 unchanged; nothing was changed$/m);
  t.is((await engine.api.get('/v1/functions')).json.count, 0);

  t.is((await orama('deploy')).code, 0);
  await engine.api.deploy('other', await probeWasm());
  describe('memory: 64', 'env: {LOG: warn}');
  const differs = await orama('deploy', '--dry-run');
  t.regex(differs.stdout, /^~ probe {2}differs from version 1\n {4}memory {2}32 → 64$/m);
  t.regex(differs.stdout, /^ {4}env\.LOG {2}set to "warn"$/m);
  // A function of the namespace is no concern of this deploy.
  t.notRegex(differs.stdout, /other/);

  const listed = await runCli(['function', 'deploy', 'probe', '--dry-run', '--json'], { home, env });
  t.like(JSON.parse(listed.stdout), {
    dry_run: true,
    functions: [{ name: 'probe', action: 'update', version: 1 }],
    removed: [],
    not_in_project: [],
  });
  t.is((await engine.api.get('/v1/functions/probe')).json.version, 1);

  // The engine validates it like a deploy.
  describe('triggers: [{cron: "0 0 30 2 *"}]');
  const refused = await orama('deploy', '--dry-run');
  t.is(refused.code, 1);
  t.regex(refused.stderr, /0 0 30 2 \*/);

  describe('http: {verify: {scheme: github, secret: "NEXT, HOOK_SECRET"}}');
  const deaf = await orama('deploy');
  t.is(deaf.code, 0, deaf.stderr);
  t.regex(
    deaf.stderr,
    /^warning: probe refuses every HTTP request: "NEXT" or "HOOK_SECRET",.* is not set; .* secrets set NEXT --from-file/m,
  );
  await engine.api.put('/v1/functions/secrets', { name: 'HOOK_SECRET', value: 'x' });
  t.is((await orama('deploy')).stderr, '', 'one of them is enough');
});

test('what needs a project says so outside one, and what to do', async (t) => {
  for (const args of [['--stage', 'production'], ['--prune'], ['one', 'two']]) {
    const run = await runCli(['deploy', ...args, '--dry-run'], { home });
    t.is(run.code, 2);
    t.regex(run.stderr, /needs a project.*functions: \["functions\/\*"\].*orama deploy <dir>/s);
  }
  const dev = await runCli(['dev'], { home });
  t.is(dev.code, 2);
  t.regex(dev.stderr, /orama dev needs a project.*functions: \["functions\/\*"\].*orama function dev <dir>/s);
});
