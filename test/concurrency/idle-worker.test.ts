import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { IdleWorker } from '../../src/concurrency/idle-worker.js';
import { until } from '../helpers/until.js';

/** Answers `wait` when it gets the next request, and exits at `exit`. */
const SCRIPT = `
const { parentPort } = require('node:worker_threads');
const held = [];
parentPort.on('message', ({ id, message }) => {
  if (message === 'exit') process.exit();
  if (message === 'wait') return held.push(id);
  parentPort.postMessage({ id, message: message.toUpperCase() });
  for (const late of held.splice(0)) parentPort.postMessage({ id: late, message: 'late' });
});`;

function aWorker(t: ExecutionContext, idleMs?: number) {
  const threads: Worker[] = [];
  const worker = new IdleWorker<string, string>(() => {
    const thread = new Worker(SCRIPT, { eval: true });
    threads.push(thread);
    return thread;
  }, idleMs);
  t.teardown(() => worker.end());
  return { worker, threads };
}

test('each call gets its own reply, whatever the order of the replies', async (t) => {
  const { worker, threads } = aWorker(t);
  const order: string[] = [];
  await Promise.all(['wait', 'a', 'b'].map(async (text) => order.push(`${text}:${await worker.call(text)}`)));
  t.deepEqual(order, ['a:A', 'wait:late', 'b:B']);
  t.is(threads.length, 1);
});

test('calls of a thread that ends are rejected, and the next call starts another', async (t) => {
  const { worker, threads } = aWorker(t);
  const pending = worker.call('wait');
  await t.throwsAsync(worker.call('exit'), { message: 'its thread has ended' });
  await t.throwsAsync(pending, { message: 'its thread has ended' });
  t.is(await worker.call('a'), 'A');
  t.is(threads.length, 2);
});

test('end rejects what is pending and resolves when the thread is gone, for every caller', async (t) => {
  const { worker, threads } = aWorker(t);
  t.is(await worker.call('a'), 'A');
  const pending = worker.call('wait');
  await Promise.all([
    worker.end(),
    worker.end(),
    t.throwsAsync(pending, { message: 'its thread was ended' }),
  ]);
  t.is(threads[0]?.threadId, -1);
});

test('close waits for pending calls', async (t) => {
  const { worker } = aWorker(t);
  const pending = worker.call('wait');
  const closing = worker.close();
  const last = worker.call('a');
  t.is(await pending, 'late');
  t.is(await last, 'A');
  await closing;
});

test('an idle thread ends, and not the calls of one that was started after it was ended', async (t) => {
  const { worker, threads } = aWorker(t, 300);
  t.is(await worker.call('a'), 'A');
  await worker.end();
  const pending = worker.call('wait');
  await delay(600);
  t.is(await worker.call('b'), 'B');
  t.is(await pending, 'late');
  t.is(threads.length, 2);
  await until('the idle thread has ended', () => threads[1]?.threadId === -1);
});

test('a message that cannot be sent rejects its call and holds up no close', async (t) => {
  const { worker } = aWorker(t);
  const unsendable = (() => undefined) as unknown as string;
  await t.throwsAsync(worker.call(unsendable), { any: true, name: 'DataCloneError' });
  t.is(await worker.call('a'), 'A');
  await worker.close();
});
