import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { namespaceSchema } from '../../src/contract/ids.js';
import { isAppError } from '../../src/errors.js';
import { onRqlite } from '../helpers/on-rqlite.js';
import { openParsedDatabases } from '../helpers/parsed-rows.js';
import { startRqlite } from '../helpers/rqlited.js';
import { until } from '../helpers/until.js';

const WRITERS = 4;
const limits = { timeoutMs: 30_000 };
const namespace = namespaceSchema.parse('mine');

onRqlite('writes of functions continue while a leader is killed', (binary) => {
  test('writes during a leader failover are applied once, refused, or reported as ambiguous', async (t) => {
    const rqlite = await startRqlite(binary, 3);
    t.teardown(rqlite.close);
    const databases = await openParsedDatabases({
      driver: 'rqlite',
      url: rqlite.urls.join(','),
      namespace,
    });
    t.teardown(() => databases.close());
    // Without a key, so that a write that is executed twice adds two rows.
    await databases.execute(namespace, 'create table written (id text)', [], limits);

    const told = new Map<string, 'acknowledged' | 'refused' | 'in doubt'>();
    const acknowledged = () => [...told.values()].filter((what) => what === 'acknowledged').length;
    const others: unknown[] = [];
    let loading = true;
    const writer = async (who: number) => {
      for (let n = 0; loading; n += 1) {
        const id = `${who}-${n}`;
        try {
          await databases.execute(namespace, 'insert into written values (?)', [id], limits);
          told.set(id, 'acknowledged');
        } catch (error) {
          if (isAppError(error, 'ambiguous_write')) told.set(id, 'in doubt');
          else if (isAppError(error, 'unavailable')) told.set(id, 'refused');
          else others.push(error);
          await sleep(20);
        }
      }
    };
    const writers = Array.from({ length: WRITERS }, (_, who) => writer(who));
    await until('load', async () => acknowledged() > 100);

    const leader = await rqlite.leader();
    const killedAt = performance.now();
    await leader.kill('SIGKILL');
    const before = acknowledged();
    await until('writes succeed again', async () => acknowledged() > before + 100);
    const outage = performance.now() - killedAt;
    loading = false;
    await Promise.all(writers);
    t.deepEqual(others, []);

    const rows = (await databases.query(
      namespace,
      'select id, count(*) as times from written group by id',
      [],
      limits,
    )) as { id: string; times: number }[];
    const times = new Map(rows.map(({ id, times: found }) => [id, found]));
    const stored = [...told].map(([id, what]) => ({ id, what, found: times.get(id) ?? 0 }));
    const wrong = stored.filter(({ what, found }) => {
      if (what === 'acknowledged') return found !== 1;
      return what === 'refused' ? found !== 0 : found > 1;
    });
    t.deepEqual(wrong, []);
    const inDoubt = [...told.values()].filter((what) => what === 'in doubt').length;
    t.log(
      `100 writes more ${Math.round(outage)} ms after the kill; ${told.size} in all, ${inDoubt} in doubt`,
    );
  });
});
