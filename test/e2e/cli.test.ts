import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { runCli } from '../helpers/cli.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { startEngine } from '../helpers/running-engine.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const home = tempDir();

test('the CLI finds engine and key without settings, and covers the whole lifecycle of a function', async (t) => {
  // About fifty processes, one after another.
  t.timeout(600_000);
  // The engine stores its data in the .orama of the commands' working directory.
  const engine = await startEngine({ dataDir: join(home, '.orama') });
  t.teardown(engine.close);
  const directory = join(home, 'probe');
  mkdirSync(directory);
  writeFileSync(join(directory, 'function.wasm'), await probeWasm());
  writeFileSync(
    join(directory, 'function.yaml'),
    'name: probe\nmemory: 32\ntriggers: [{topic: "made:here"}]\n',
  );

  const attempt = (...args: string[]) => runCli(args, { home });
  const orama = async (...args: string[]) => {
    const run = await attempt(...args);
    t.is(run.code, 0, `orama ${args.join(' ')}: ${run.stderr}`);
    return run.stdout;
  };
  const json = async (...args: string[]) => JSON.parse(await orama(...args, '--json'));

  t.regex(await orama('function', 'deploy', 'probe'), /^Deployed probe version 1 \(start: /);
  const echo = commands({ op: 'echo', a: 'hi' });
  t.is(await orama('function', 'invoke', 'probe', '--data', echo), '{"results":["hi"]}');
  t.like(await json('function', 'get', 'probe'), { name: 'probe', version: 1, memory_limit_mb: 32 });
  t.like(await json('status'), { status: 'ok' });

  // A second version, an invocation of the first one, and a rollback.
  writeFileSync(
    join(directory, 'function.yaml'),
    'name: probe\nmemory: 64\ntriggers: [{topic: "made:here"}]\n',
  );
  t.regex(await orama('function', 'deploy', 'probe', '-m', 'More memory'), /version 2/);
  const first = await json('function', 'invoke', 'probe', '--version', '1', '--data', echo);
  t.like(first, { status: 'success', version: 1, output: { results: ['hi'] } });
  t.is(await orama('function', 'rollback', 'probe', '1'), 'Deployed probe version 3, a copy of version 1\n');
  const { versions } = await json('function', 'versions', 'probe');
  t.deepEqual(
    versions.map((one: { version: number; memory_limit_mb: number }) => [one.version, one.memory_limit_mb]),
    [
      [3, 32],
      [2, 64],
      [1, 32],
    ],
  );
  t.deepEqual(
    versions.map((one: { message: string | null }) => one.message),
    ['Rollback to version 1', 'More memory', null],
  );
  t.regex(await orama('function', 'versions', 'probe'), /^2\t.+\tMore memory$/m);
  t.is((await attempt('function', 'invoke', 'probe', '--version', '9')).code, 1);

  // Triggers, secrets, keys.
  await orama('function', 'triggers', 'add', 'probe', '--topic', 'added:*');
  await orama('function', 'triggers', 'add', 'probe', '--cron', '0 3 * * *', '--timezone', 'Europe/Berlin');
  const listed = await orama('function', 'triggers', 'list', 'probe');
  t.regex(listed, /topic made:here/);
  t.regex(listed, /topic added:\*/);
  t.regex(listed, /cron 0 3 \* \* \* \(Europe\/Berlin\)/);
  const { triggers } = await json('function', 'triggers', 'list', 'probe');
  await orama('function', 'triggers', 'delete', 'probe', triggers[0].id);
  t.is((await json('function', 'triggers', 'list', 'probe')).count, 2);
  await orama('function', 'secrets', 'set', 'TOKEN', 'not told');
  t.notRegex(await orama('function', 'secrets', 'list', '--json'), /not told/);
  t.is(
    await orama('function', 'invoke', 'probe', '--data', commands({ op: 'secret', a: 'TOKEN' })),
    '{"results":["not told"]}',
  );
  await orama('function', 'secrets', 'delete', 'TOKEN', '--force');
  const key = (await orama('keys', 'create', 'ci')).trim();
  t.regex(key, /^ak_[^:]+:default$/);
  t.is((await attempt('function', 'list', '--api-key', key)).code, 0);
  const { keys } = await json('keys', 'list');
  await orama('keys', 'revoke', keys.find((one: { name: string }) => one.name === 'ci').id);

  // A failed async invocation is a dead letter until it is replayed.
  const bad = commands({ op: 'exit', n: 65 });
  const id = (await orama('function', 'invoke', 'probe', '--async', '--data', bad)).trim();
  const dead = await until('the dead letter', async () => {
    const { invocations } = await json('function', 'dead', 'list', 'probe');
    return invocations[0];
  });
  t.like(dead, { request_id: id, state: 'dead' });
  t.regex(await orama('function', 'dead', 'show', id), /attempt 1\terror after /);
  t.like(await json('invocations', 'get', id), { request_id: id, state: 'dead' });
  t.regex(await orama('inv', 'ls', '--status', 'dead'), new RegExp(`^${id}\tprobe\t3\tasync\tdead\t1\t`));
  const waiting = (await orama('invoke', 'probe', '--async', '--delay', '600', '--data', echo)).trim();
  t.is(await orama('invocations', 'cancel', waiting), `Cancelled ${waiting}\n`);
  t.like(await json('invocations', 'get', waiting), { state: 'cancelled' });
  const ended = await attempt('invocations', 'cancel', waiting);
  t.is(ended.code, 1);
  const again = (await json('invocations', 'replay', waiting)).request_id;
  await until('the replay', async () => (await json('inv', 'show', again)).state === 'success');
  const unknown = await attempt('invocations', 'get', '0199c5a0-0000-7000-8000-000000000009');
  t.regex(unknown.stderr, /orama invocations list/);
  t.regex(await orama('function', 'dead', 'show', id), /^input\t\[\{"op":"exit"/m);
  t.regex(
    await orama('function', 'dead', 'replay', 'probe', id, '--data', commands({ op: 'exit', n: 66 })),
    /^Replayed as /,
  );
  await until('the dead replay', async () => (await json('function', 'dead', 'list', 'probe')).count === 1);
  t.is(await orama('function', 'dead', 'purge', 'probe'), '1 purged\n');

  const failed = await attempt('function', 'invoke', 'probe', '--data', bad);
  t.is(failed.code, 1);
  t.regex(failed.stderr, /65.*\n.*orama function logs/);
  t.regex(await orama('function', 'logs', 'probe', '--status', 'error'), / error http v3 /);

  await orama('function', 'delete', 'probe', '--force');
  const gone = await attempt('function', 'get', 'probe');
  t.is(gone.code, 1);
  t.regex(gone.stderr, /probe[\s\S]*orama function list/);
});
