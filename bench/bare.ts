import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Figure } from './figures.js';
import type { Topology } from './product.js';

/** The requests and replies of plain BullMQ; see bare-process.ts. */
export type BareRequest =
  | { type: 'round trip'; atOnce: number; ms: number }
  | { type: 'add'; count: number; bulk: number }
  | { type: 'drained' };
export type BareReply = { type: 'ready' } | { type: 'figure'; figure: Figure };

/**
 * BullMQ without this project's code (no HTTP, WASM or log), on the same Redis and with the same
 * number of processes.
 */
export interface Bare {
  pids: number[];
  roundTrip(atOnce: number, ms: number): Promise<Figure>;
  /** Adds `count` jobs in batches of `bulk`. Resolves with the rate. */
  add(count: number, bulk: number): Promise<Figure>;
  /**
   * Resumes the frozen worker process and waits until the queue is empty. Resolves with the rate.
   */
  drain(): Promise<Figure>;
  freeze(): void;
  close(): Promise<void>;
}

export async function startBare(redisUrl: string, topology: Topology): Promise<Bare> {
  const start = async (role: 'both' | 'adder' | 'worker') => {
    const child = fork(new URL('./bare-process.js', import.meta.url), [redisUrl, role]);
    await once(child, 'message');
    return child;
  };
  const worker = topology === 'web + worker' ? await start('worker') : null;
  const adder = await start(worker === null ? 'both' : 'adder');
  const ask = async (request: BareRequest): Promise<Figure> => {
    const answered = once(adder, 'message') as Promise<[BareReply]>;
    adder.send(request);
    const [reply] = await answered;
    if (reply.type !== 'figure') throw new Error(`bare BullMQ answers ${reply.type}`);
    return reply.figure;
  };
  return {
    pids: [adder, worker].flatMap((child) => child?.pid ?? []),
    roundTrip: (atOnce, ms) => ask({ type: 'round trip', atOnce, ms }),
    add: (count, bulk) => ask({ type: 'add', count, bulk }),
    drain() {
      const figure = ask({ type: 'drained' });
      worker?.kill('SIGCONT');
      return figure;
    },
    freeze: () => void worker?.kill('SIGSTOP'),
    async close() {
      for (const child of [adder, worker]) {
        if (child === null) continue;
        child.kill('SIGCONT');
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    },
  };
}
