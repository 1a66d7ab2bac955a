/**
 * A process of plain BullMQ: `bare-process.js <redis url> both|adder|worker`. bare.ts starts it and
 * sends it requests over IPC.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { BareReply, BareRequest } from './bare.js';
import { type Figure, figureOf, repeat } from './figures.js';

const [url = '', role = 'both'] = process.argv.slice(2);
const REPLIES = 'bare-replies';
/** Two workers with a concurrency of 32 were the fastest configuration. */
const WORKERS = 2;
const CONCURRENCY = 32;
const connect = () => new Redis(url, { maxRetriesPerRequest: null });
const post = (reply: BareReply) => process.send?.(reply);

const input = JSON.stringify({ name: 'World' });
const waiting = new Map<string, () => void>();
const arrived = (id: string) => {
  waiting.get(id)?.();
  waiting.delete(id);
};

async function work(): Promise<void> {
  const replies = connect();
  const reply = async (id: string) => {
    if (role === 'both') arrived(id);
    else await replies.publish(REPLIES, id);
  };
  for (let index = 0; index < WORKERS; index++) {
    const worker = new Worker(
      'bare',
      async (job) => {
        if (job.data.id !== '') await reply(job.data.id);
      },
      { connection: connect(), concurrency: CONCURRENCY },
    );
    await worker.waitUntilReady();
  }
}

if (role !== 'adder') await work();
if (role !== 'worker') {
  const queue = new Queue('bare', {
    connection: connect(),
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
  });
  await queue.waitUntilReady();
  const subscriber = connect();
  subscriber.on('message', (_channel: string, id: string) => arrived(id));
  await subscriber.subscribe(REPLIES);

  let last = 0;
  const roundTrip = () =>
    new Promise<void>((resolve, reject) => {
      const id = String(++last);
      waiting.set(id, resolve);
      queue.add('hello', { id, input }).catch(reject);
    });
  const add = async (count: number, bulk: number): Promise<Figure> => {
    const began = performance.now();
    const jobs = Array.from({ length: bulk }, () => ({ name: 'hello', data: { id: '', input } }));
    // Several calls run concurrently, so that one batch is serialized while Redis executes another.
    let sent = 0;
    const one = async () => {
      for (; sent < count; await queue.addBulk(jobs)) sent += bulk;
    };
    await Promise.all([one(), one(), one(), one()]);
    const elapsed = performance.now() - began;
    return { ...figureOf([], elapsed), perSecond: (count * 1000) / elapsed };
  };
  const drained = async (): Promise<Figure> => {
    const count = await queue.getWaitingCount();
    const began = performance.now();
    while ((await queue.getWaitingCount()) + (await queue.getActiveCount()) > 0) await delay(10);
    const elapsed = performance.now() - began;
    return { ...figureOf([], elapsed), perSecond: (count * 1000) / elapsed };
  };
  const answer = async (request: BareRequest): Promise<Figure> => {
    switch (request.type) {
      case 'round trip':
        return repeat(request.atOnce, request.ms, roundTrip);
      case 'add':
        return add(request.count, request.bulk);
      case 'drained':
        return drained();
    }
  };
  process.on('message', (request: BareRequest) => {
    void answer(request).then((figure) => post({ type: 'figure', figure }));
  });
}
post({ type: 'ready' });
