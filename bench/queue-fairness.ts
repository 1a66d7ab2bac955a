/**
 * Measures how the backlog of one namespace affects the calls of another: node
 * dist/bench/queue-fairness.js [backlog]. Calls are sequential; compare the ratio of the medians.
 */
import { openQueues } from '../queues/open.js';
import type { Invocation } from '../src/ports/queue.js';
import { namespace, queued } from '../test/helpers/invocations.js';
import { startRedis } from '../test/helpers/redis-server.js';

const BACKLOG = Number(process.argv[2] ?? 10_000);
const CALLS = 100;

const server = await startRedis();
const { queue, close } = await openQueues({
  driver: 'redis',
  url: server.url,
  maxWaiting: 2 * BACKLOG,
  maxBytes: 2 ** 40,
});
const waiting = new Map<string, () => void>();

async function consume(workMs: number) {
  return queue.consume(
    async ({ invocation }) => {
      if (workMs > 0) await new Promise((resolve) => setTimeout(resolve, workMs));
      waiting.get(invocation.id)?.();
      waiting.delete(invocation.id);
      return { kind: 'done' };
    },
    { concurrency: 64 },
  );
}

/** Ends early when the backlog is drained, because there is nothing left to measure. */
async function medianOf(call: Partial<Invocation>, backlog: boolean): Promise<number> {
  const latencies: number[] = [];
  while (latencies.length < CALLS) {
    if (backlog && latencies.length % 10 === 9 && (await queue.counts()).waiting < BACKLOG / 10) break;
    const job = queued({ ...call, namespace: namespace('calm') });
    const before = performance.now();
    const ran = new Promise<void>((resolve) => waiting.set(job.invocation.id, resolve));
    await queue.add([job]);
    await ran;
    latencies.push(performance.now() - before);
  }
  latencies.sort((a, b) => a - b);
  return latencies[Math.floor(latencies.length / 2)] ?? 0;
}

for (const [name, call] of [
  ['event', {}],
  ['sync call', { replyTo: 'bench' }],
] as const) {
  for (const workMs of [0, 5, 20]) {
    const first = await consume(workMs);
    const alone = await medianOf(call, false);
    await first.close();
    for (let i = 0; i < BACKLOG; i += 100) {
      await queue.add(Array.from({ length: 100 }, () => queued({ ...call, namespace: namespace('busy') })));
    }
    const second = await consume(workMs);
    const beside = await medianOf(call, true);
    const left = (await queue.counts()).waiting;
    await second.close();
    console.log(
      `${name} of ${workMs} ms: p50 ${alone.toFixed(2)} ms alone, ${beside.toFixed(2)} ms beside ${BACKLOG} to ${left} waiting, ratio ${(beside / alone).toFixed(2)}`,
    );
    const rest = await consume(0);
    while ((await queue.counts()).waiting > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    await rest.close();
  }
}
await close();
await server.close();
