import { Worker } from 'node:worker_threads';
import { MAX_STATEMENT_MB, OUT_OF_MEMORY_SIGNAL } from './sqlite-protocol.js';

/**
 * A thread that ends the process when the engine has died, or when a statement takes too much memory: a statement keeps the main
 * thread from seeing either. It looks at memory only while a statement runs.
 */
const THREAD = `
  const { workerData: { engine, busy, maxBytes, signal } } = require('node:worker_threads');
  const atRest = process.memoryUsage.rss();
  let lookedAt = 0;
  for (;;) {
    if (Atomics.load(busy, 0) === 0) Atomics.wait(busy, 0, 0, 1000);
    else Atomics.wait(busy, 0, 1, 30);
    if (Atomics.load(busy, 0) === 1 && process.memoryUsage.rss() > atRest + maxBytes) process.kill(process.pid, signal);
    if (Date.now() - lookedAt < 1000) continue;
    lookedAt = Date.now();
    if (process.ppid !== engine) process.kill(process.pid, 'SIGKILL');
  }`;

export interface Watchdog {
  /** Runs what may not end by itself. */
  watch<T>(run: () => T): T;
}

/** `engine`: its process id, which comes with the start: asked for here, it could be that of the heir already. */
export function startWatchdog(engine: number): Watchdog {
  const busy = new Int32Array(new SharedArrayBuffer(4));
  const set = (value: 0 | 1) => {
    Atomics.store(busy, 0, value);
    Atomics.notify(busy, 0);
  };
  const workerData = { engine, busy, maxBytes: MAX_STATEMENT_MB << 20, signal: OUT_OF_MEMORY_SIGNAL };
  new Worker(THREAD, { eval: true, workerData }).unref();
  return {
    watch(run) {
      set(1);
      try {
        return run();
      } finally {
        set(0);
      }
    },
  };
}
