import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { openStore } from '../../db/open.js';
import { openQueues } from '../../queues/open.js';
import { AppError } from '../../src/errors.js';
import type { AttemptRow } from '../../src/ports/store/attempts.js';
import { LogStore } from '../../workers/delivery/log-store.js';
import { aDeadAttempt, anAttempt, anEnd } from '../helpers/attempt.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const directory = tempDir();

/** A log store on a real store and queue; `write` stands between it and the store. */
async function scene(t: ExecutionContext) {
  const dir = await mkdtemp(join(directory, 'scene-'));
  const store = await openStore({ driver: 'sqlite', file: `${dir}.sqlite` });
  const queues = await openQueues({ driver: 'sqlite', dir, maxWaiting: 10, maxBytes: 1 << 20 });
  const warnings: Record<string, unknown>[] = [];
  const errors: Record<string, unknown>[] = [];
  const infos: Record<string, unknown>[] = [];
  const write = (text: string) => {
    const line = JSON.parse(text);
    const label = pino.levels.labels[line.level];
    (label === 'error' ? errors : label === 'warn' ? warnings : infos).push(line);
  };
  const link = { isDown: true, delayMs: 0, writes: 0, refused: 0 };
  const logs = new LogStore({
    attempts: {
      ...store.attempts,
      async write(rows) {
        if (link.isDown) {
          link.refused += 1;
          throw new AppError('unavailable', 'down');
        }
        link.writes += 1;
        await sleep(link.delayMs);
        await store.attempts.write(rows);
      },
    },
    backlog: queues.backlog,
    logger: pino({ level: 'info' }, { write }),
    onWritten: () => undefined,
  });
  t.teardown(async () => {
    await logs.close();
    await queues.close();
    await store.close();
  });
  const shipped = () => until('the backlog is empty', async () => (await queues.backlog.size()) === 0);
  const viaStore = () =>
    until('rows go to the store again', () =>
      infos.some(({ msg }) => msg === 'log records go to the store again'),
    );
  return { store, queues, logs, link, warnings, errors, shipped, viaStore };
}

/** A row that the store refuses whatever its content is: its number is missing. */
function refused(): AttemptRow {
  const { attempt: _, ...row } = anAttempt();
  return row as AttemptRow;
}

test('records that take longer than the timeout of a write are written once when the store is back', async (t) => {
  const { store, logs, link, shipped } = await scene(t);
  const rows = Array.from({ length: 10 }, () =>
    anAttempt({ final: anEnd({ output: new Uint8Array(400_000) }) }),
  );
  for (const row of rows) await logs.write([row]);
  // Longer than a write may take whose rows come from a running job.
  link.delayMs = 2100;
  link.isDown = false;
  await shipped();
  t.true(link.writes >= 2 && link.writes <= 3, `${link.writes} writes`);
  for (const { requestId } of rows) t.not(await store.attempts.invocation(requestId), null);
});

test('a row that the store refuses does not hold up the others, and is set aside and logged', async (t) => {
  const { store, logs, link, errors, shipped, viaStore } = await scene(t);
  const bad = refused();
  const good = [anAttempt(), anAttempt(), anAttempt()];
  await logs.write([...good.slice(0, 2), bad, ...good.slice(2)]);
  link.isDown = false;
  await shipped();
  for (const { requestId } of good) t.not(await store.attempts.invocation(requestId), null);
  t.is(errors.length, 1);
  t.like(errors[0], { request_id: bad.requestId, namespace: 'default', function: 'hello' });
  t.regex(String(errors[0]?.err), /NOT NULL/);
  await viaStore();
});

test('a record that cannot be read is set aside once, however long the store is away', async (t) => {
  const { store, queues, logs, link, errors, shipped } = await scene(t);
  const good = anAttempt();
  await queues.backlog.push(['no record']);
  await logs.write([good]);
  await until('several steps have been attempted', () => link.refused >= 3);
  link.isDown = false;
  await shipped();
  t.not(await store.attempts.invocation(good.requestId), null);
  t.is(errors.length, 1);
});

test('an invocation whose content the store refuses keeps its end, and its log says what is missing', async (t) => {
  const { store, logs, link, errors, shipped } = await scene(t);
  const dead = aDeadAttempt();
  const record = { ...dead, messages: undefined as never };
  await logs.write([record]);
  link.isDown = false;
  await shipped();
  const stored = await store.attempts.invocation(dead.requestId);
  t.is(stored?.attempts.at(-1)?.final?.state, 'dead');
  t.is(errors.length, 1);
});

test('rows stay in the backlog while the store refuses all of them', async (t) => {
  const { queues, logs, link, errors, shipped } = await scene(t);
  await logs.write([refused(), refused()]);
  link.isDown = false;
  await until('the store has refused them', () => link.writes >= 5);
  t.is(await queues.backlog.size(), 2);
  t.deepEqual(errors, []);
  // A row that is accepted shows that the store works.
  await logs.write([anAttempt()]);
  await shipped();
  t.is(errors.length, 2);
});

test('a refused row of a running job sets the others free at once', async (t) => {
  const { store, logs, link, shipped } = await scene(t);
  link.isDown = false;
  const good = anAttempt();
  await logs.write([refused(), good]);
  await shipped();
  t.not(await store.attempts.invocation(good.requestId), null);
});

test('while the backlog cannot be read, rows go to the store, and the reason is logged once', async (t) => {
  const { store, queues, logs, link, warnings, shipped, viaStore } = await scene(t);
  const drain = queues.backlog.drain.bind(queues.backlog);
  let drains = 0;
  queues.backlog.drain = async () => {
    drains += 1;
    throw new Error('the backlog is broken');
  };
  const kept = anAttempt();
  await logs.write([kept]);
  link.isDown = false;
  await until('reading has failed three times', () => drains >= 3);
  const causes = warnings.map(({ err }) => err);
  t.deepEqual(causes, ['down', 'the backlog is broken']);
  queues.backlog.drain = drain;
  await shipped();
  await viaStore();
  queues.backlog.drain = async () => {
    throw new Error('the backlog is broken again');
  };
  await queues.backlog.push(['no record']);
  await until('the backlog is read', () => warnings.length === 3, 20_000);
  const row = anAttempt();
  await logs.write([row]);
  t.not(await store.attempts.invocation(row.requestId), null);
  queues.backlog.drain = drain;
  await shipped();
});
