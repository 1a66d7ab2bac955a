import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';
import { useCanary } from '../helpers/canary.js';
import { filesWith } from '../helpers/files-with.js';
import { commands } from '../helpers/probe.js';
import { startEngine } from '../helpers/running-engine.js';

test('a secret value appears in no data file, log or reply, also after a key rotation', async (t) => {
  const first = await startEngine({ env: { LOG_LEVEL: 'debug' } });
  t.teardown(first.close);
  const { forms, marker, replies } = await useCanary(first.api);
  const search = async (log: string) => {
    // The marker that the same functions logged is found, which proves that the search covers the
    // files of store and queue.
    t.true((await filesWith(first.dataDir, [marker])).length > 0);
    t.deepEqual(await filesWith(first.dataDir, forms), []);
    for (const form of forms) {
      t.false(log.includes(form));
      t.false(replies().includes(form));
    }
  };
  await search(first.log());
  t.is(await first.stop(), 0);
  await promisify(execFile)(
    process.execPath,
    ['dist/app/orama.js', 'admin', 'rotate-secrets-key', '--data', first.dataDir],
    { env: { PATH: process.env.PATH, HOME: first.dataDir } },
  );
  const second = await startEngine({ dataDir: first.dataDir, env: { LOG_LEVEL: 'debug' } });
  t.teardown(second.stop);
  const seen = await second.api.invoke('user', commands({ op: 'secret', a: 'CANARY' }, { op: 'exit', n: 0 }));
  t.is(seen.status, 200, seen.text);
  t.is(await second.stop(), 0);
  await search(first.log() + second.log());
});
