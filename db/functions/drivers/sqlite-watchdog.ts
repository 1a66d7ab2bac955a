import { Worker } from 'node:worker_threads';
import { MAX_STATEMENT_MB, OUT_OF_MEMORY_SIGNAL } from './sqlite-protocol.js';

/**
 * The increase of the nice value for a statement that has used SLOW_CPU_MS of CPU time. CPU time,
 * because wall-clock time depends on the load of the machine.
 */
const SLOW_NICE = 10;
const SLOW_CPU_MS = 500;

/**
 * A thread that watches what the main thread cannot see during a statement. It ends the process
 * when the engine has died or the statement uses too much memory, and lowers the priority of the
 * process when the statement runs long. It checks frequently only while a statement runs.
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
    if (performance.now() - lookedAt < 1000) continue;
    lookedAt = performance.now();
    if (process.ppid !== engine) process.kill(process.pid, 'SIGKILL');
  }`;

export interface Watchdog {
  /** Runs a statement that may not end by itself. */
  watch<T>(run: () => T): T;
  /**
   * Whether the priority was lowered because a statement ran long. An unprivileged process cannot
   * raise it again.
   */
  readonly isSlowed: boolean;
}

/**
 * Starts the watchdog.
 *
 * @param engine The engine's process id, passed at start: `process.ppid` could already be that of
 *   the process that adopted this one.
 */
export function startWatchdog(engine: number): Watchdog {
  /**
   * [0]: the number of the running statement, 0 for none; [1]: whether a statement has run long.
   */
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
