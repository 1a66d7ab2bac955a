import { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import type { BoundStatement } from '../../db/function-databases/executor.js';
import { StatementLimit } from '../../db/function-databases/statement-limit.js';
import { FairQueue } from '../../src/concurrency/fair-queue.js';
import { namespaceSchema } from '../../src/contract/ids.js';
import { MB } from '../../src/contract/limits.js';
import { isAppError } from '../../src/errors.js';
import { computing, ENDLESS_QUERY } from '../helpers/endless-query.js';
import { openParsedDatabases } from '../helpers/parsed-rows.js';
import { tempDir } from '../helpers/temp-dir.js';

const directory = tempDir();
const [attacker, victim] = [namespaceSchema.parse('attacker'), namespaceSchema.parse('victim')];

test.serial(
  'statements behind endless ones are refused beyond 1,000, and delay no other namespace',
  async (t) => {
    const databases = await openParsedDatabases({ driver: 'sqlite', directory: join(directory, 'flood') });
    t.teardown(() => databases.close());
    await databases.query(victim, 'select 1', [], { timeoutMs: 30_000 });
    const ends: AbortController[] = [];
    const codes = new Map<string, number>();
    const start = async (sql: string) => {
      const end = new AbortController();
      ends.push(end);
      try {
        await databases.query(attacker, sql, [], { timeoutMs: 120_000, signal: end.signal });
      } catch (error) {
        const code = isAppError(error) ? error.code : String(error);
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
    };
    const endless = Array.from({ length: 4 }, () => start(ENDLESS_QUERY));
    await computing(endless.length);
    const flood = Array.from({ length: 10_000 }, () => start('select 1'));
    await sleep(0);
    t.deepEqual([...codes], [['rate_limited', 10_000 - 996]]);
    t.deepEqual(await databases.query(victim, 'select 1 as one', [], { timeoutMs: 30_000 }), [{ one: 1 }]);
    const started = countProcesses();
    t.teardown(started.stop);
    for (const end of ends) end.abort();
    await Promise.all([...endless, ...flood]);
    t.is(codes.get('unavailable'), 1_000);
    t.true(
      started.count() < 10,
      `${started.count()} processes were started for statements that ended at once`,
    );
    t.deepEqual(await databases.query(attacker, 'select 1 as one', [], { timeoutMs: 30_000 }), [{ one: 1 }]);
  },
);

function countProcesses() {
  const prototype = ChildProcess.prototype as unknown as { spawn(...args: unknown[]): unknown };
  const { spawn } = prototype;
  let count = 0;
  prototype.spawn = function counted(...args) {
    count += 1;
    return spawn.apply(this, args);
  };
  return {
    count: () => count,
    stop: () => {
      prototype.spawn = spawn;
    },
  };
}

test('the bytes of statements that run or wait are limited for a namespace and for all', async (t) => {
  const limit = new StatementLimit({ calls: 9, bytes: { each: 4 * MB, all: 6 * MB } });
  const ends: (() => void)[] = [];
  const start = (namespace: typeof victim, arg: string | Uint8Array) => {
    const statement: BoundStatement = { kind: 'exec', sql: '?', args: [arg], verb: 'insert', parameters: [] };
    return limit.run(namespace, [statement], () => new Promise<void>((resolve) => ends.push(resolve)));
  };
  const limited = { code: 'rate_limited', message: /nothing was executed/ };
  const running = [start(attacker, 'x'.repeat(1.5 * MB))];
  await t.throwsAsync(start(attacker, 'x'.repeat(0.5 * MB)), limited);
  running.push(start(victim, new Uint8Array(2.5 * MB)));
  await t.throwsAsync(start(victim, new Uint8Array(MB)), limited);
  for (const end of ends.splice(0)) end();
  await Promise.all(running);
  const again = start(victim, new Uint8Array(3.5 * MB));
  for (const end of ends) end();
  await t.notThrowsAsync(again);
});

test('a queue of 200,000 items is emptied, from any end, in a time that grows with their number', (t) => {
  const queue = new FairQueue<{ n: number }>();
  const items = Array.from({ length: 200_000 }, (_, n) => ({ n }));
  const began = performance.now();
  for (const item of items) queue.push('owner', item);
  for (const item of items.slice(100_000).reverse()) t.true(queue.remove('owner', item));
  const taken = Array.from({ length: 100_000 }, () => queue.shift());
  t.deepEqual(taken.slice(0, 3), items.slice(0, 3));
  t.is(queue.length, 0);
  t.is(queue.shift(), null);
  t.true(performance.now() - began < 5_000);
});
