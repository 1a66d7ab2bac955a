import { join } from 'node:path';
import test from 'ava';
import { createLogs } from '../../src/core/observability/logs.js';
import { AppError } from '../../src/errors.js';
import { followLogs } from '../../src/http/ws/log-follower.js';
import { openUseCases, type UseCases } from '../core/use-cases.js';
import { aName, aNamespace, anAttempt } from '../helpers/attempt.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const directory = tempDir();
let cases: UseCases;
test.before(async () => {
  cases = await openUseCases(join(directory, 'log-follower'));
});
test.after.always(() => cases.close());

test('a socket gets the lines of its invocations again after the store was unreachable', async (t) => {
  const { store, bus } = cases;
  let failures = 0;
  let isDown = false;
  const attempts: typeof store.attempts = {
    ...store.attempts,
    async logs(query) {
      if (!isDown) return store.attempts.logs(query);
      failures += 1;
      throw new AppError('unavailable', 'The store cannot be reached.');
    },
  };
  const control = new AbortController();
  t.teardown(() => control.abort());
  const namespace = aNamespace();
  const lines: unknown[] = [];
  const { position } = await store.attempts.logs({ namespace, function: aName('hello'), limit: 1 });
  const follower = followLogs(
    createLogs({ store: { ...store, attempts }, bus }),
    { namespace, function: aName('hello'), after: position, signal: control.signal },
    ({ log }) => lines.push(log),
  );
  const run = async (message: string) => {
    const row = anAttempt({
      namespace,
      messages: [{ level: 'info', message, timestamp: new Date().toISOString() }],
    });
    follower.expect(row.requestId);
    await store.attempts.write([row]);
    await follower.caughtUp(row.requestId, 1);
  };
  await run('before');
  t.deepEqual(lines, ['before']);
  isDown = true;
  await until('a read has failed', () => failures > 0);
  const missed = run('meanwhile');
  isDown = false;
  await missed;
  await run('after');
  t.deepEqual(lines, ['before', 'meanwhile', 'after']);
});
