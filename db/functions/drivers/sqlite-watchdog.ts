import { Worker } from 'node:worker_threads';
import { MAX_STATEMENT_MB, OUT_OF_MEMORY_SIGNAL } from './sqlite-protocol.js';

/**
 * How far below statements that end soon, for one that has used so much processor time: wall time
 * would tell of a busy machine.
 */
const SLOW_NICE = 10;
const SLOW_CPU_MS = 500;

/**
 * A thread that looks after what a statement keeps the main thread from seeing: that the engine has
 * died, that the statement takes too much memory, which both end the process, or that it runs long,
 * which lowers its priority. It looks often only while one runs.
 */
const THREAD = `
  const { constants, getPriority, setPriority } = require('node:os');
  const { workerData: { engine, shared, maxBytes, signal, slowNice, slowMs } } = require('node:worker_threads');
  const cpuMs = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
  const atRest = process.memoryUsage.rss();
  let lookedAt = 0, statement = 0, cpuAtStart = 0;
  for (;;) {
    const running = Atomics.load(shared, 0);
    Atomics.wait(shared, 0, running, running === 0 ? 1000 : 30);
    if (Atomics.load(shared, 0) !== statement) { statement = Atomics.load(shared, 0); cpuAtStart = cpuMs(); }
    if (statement !== 0) {
      if (process.memoryUsage.rss() > atRest + maxBytes) process.kill(process.pid, signal);
      if (Atomics.load(shared, 1) === 0 && cpuMs() - cpuAtStart > slowMs) {
        Atomics.store(shared, 1, 1);
        try { setPriority(process.pid, Math.min(getPriority(process.pid) + slowNice, constants.priority.PRIORITY_LOW)); } catch {}
      }
    }
    if (Date.now() - lookedAt < 1000) continue;
    lookedAt = Date.now();
    if (process.ppid !== engine) process.kill(process.pid, 'SIGKILL');
  }`;

export interface Watchdog {
  /** Runs what may not end by itself. */
  watch<T>(run: () => T): T;
  /**
   * Whether a statement ran so long that the process has a lower priority. An unprivileged process
   * cannot raise it again.
   */
  readonly isSlowed: boolean;
}

/**
 * `engine`: its process id, which comes with the start: asked for here, it could be that of the
 * heir already.
 */
export function startWatchdog(engine: number): Watchdog {
  /** Which statement runs, 0 for none; whether one has run long. */
  const shared = new Int32Array(new SharedArrayBuffer(8));
  let statements = 0;
  const set = (running: number) => {
    Atomics.store(shared, 0, running);
    Atomics.notify(shared, 0);
  };
  const maxBytes = MAX_STATEMENT_MB << 20;
  const workerData = {
    ...{ engine, shared, maxBytes, signal: OUT_OF_MEMORY_SIGNAL },
    ...{ slowNice: SLOW_NICE, slowMs: SLOW_CPU_MS },
  };
  new Worker(THREAD, { eval: true, workerData }).unref();
  return {
    watch(run) {
      statements = (statements % 1_000_000) + 1;
      set(statements);
      try {
        return run();
      } finally {
        set(0);
      }
    },
    get isSlowed() {
      return Atomics.load(shared, 1) === 1;
    },
  };
}
