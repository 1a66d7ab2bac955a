import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import Database from 'libsql';
import { commands, probeWasm } from '../helpers/probe.js';
import { startEngine } from '../helpers/running-engine.js';

const rotate = (dataDir: string) =>
  promisify(execFile)(
    process.execPath,
    ['dist/app/orama.js', 'admin', 'rotate-secrets-key', '--data', dataDir, '--json'],
    {
      env: { PATH: process.env.PATH, HOME: dataDir },
    },
  );

test('rotating the master key needs a stopped engine, and keeps secrets and tokens valid', async (t) => {
  const first = await startEngine();
  t.teardown(() => rm(first.dataDir, { recursive: true, force: true }));
  await first.api.put('/v1/functions/secrets', { name: 'TOKEN', value: 'kept' });
  await first.api.deploy('probe', await probeWasm());
  const token = (await first.api.post('/v1/auth/token', {})).json.access_token;
  const keyFile = join(first.dataDir, 'secrets-key');
  const before = await readFile(keyFile, 'utf8');

  const refused = await t.throwsAsync(rotate(first.dataDir));
  t.regex(String(refused), /in use/);
  t.is(await readFile(keyFile, 'utf8'), before);
  t.is(await first.stop(), 0);

  const { stdout } = await rotate(first.dataDir);
  t.deepEqual(JSON.parse(stdout), { resealed: 1 });
  t.not(await readFile(keyFile, 'utf8'), before);

  const second = await startEngine({ dataDir: first.dataDir });
  t.teardown(second.stop);
  const reply = await second.api.invoke('probe', commands({ op: 'secret', a: 'TOKEN' }));
  t.deepEqual(reply.json, { results: ['kept'] }, reply.text);
  const whoami = await second.api.as().get('/v1/auth/whoami', { authorization: `Bearer ${token}` });
  t.is(whoami.status, 200, whoami.text);
});

test('a secret that cannot be decrypted keeps the previous key, until it is set again', async (t) => {
  const first = await startEngine();
  const { dataDir } = first;
  t.teardown(() => rm(dataDir, { recursive: true, force: true }));
  for (const name of ['BROKEN', 'TOKEN'])
    await first.api.put('/v1/functions/secrets', { name, value: `the ${name}` });
  await first.api.deploy('probe', await probeWasm());
  t.is(await first.stop(), 0);
  const metadata = new Database(join(dataDir, 'metadata.sqlite'));
  metadata.exec("update secrets set sealed = zeroblob(40) where name = 'BROKEN'");
  metadata.close();
  const keyFile = join(dataDir, 'secrets-key');
  const before = await readFile(keyFile, 'utf8');

  const failed = await t.throwsAsync<Error & { stderr: string }>(rotate(dataDir));
  t.regex(failed.stderr, /"secret":"BROKEN"/);
  t.regex(failed.stderr, /1 secrets were encrypted with the new key, but 1 cannot be decrypted/);
  t.notRegex(failed.stderr, /the TOKEN/);
  t.is(await readFile(keyFile, 'utf8'), before);

  const second = await startEngine({ dataDir });
  const secretOf = async (api: typeof second.api, name: string) =>
    (await api.invoke('probe', commands({ op: 'secret', a: name }))).json;
  t.deepEqual(await secretOf(second.api, 'TOKEN'), { results: ['the TOKEN'] });
  await second.api.put('/v1/functions/secrets', { name: 'BROKEN', value: 'set again' });
  t.is(await second.stop(), 0);
  t.deepEqual(JSON.parse((await rotate(dataDir)).stdout), { resealed: 1 });
  t.not(await readFile(keyFile, 'utf8'), before);

  const third = await startEngine({ dataDir });
  t.teardown(third.stop);
  t.deepEqual(await secretOf(third.api, 'TOKEN'), { results: ['the TOKEN'] });
  t.deepEqual(await secretOf(third.api, 'BROKEN'), { results: ['set again'] });
});
