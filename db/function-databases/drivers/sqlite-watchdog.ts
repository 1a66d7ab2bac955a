import { Worker } from 'node:worker_threads';

/** What the watchdog's thread starts with. */
export interface WatchdogData {
  /** See `startWatchdog`. */
  engine: number;
  /**
   * [0]: the number of the running statement, 0 for none; [1]: whether a statement has run long.
   */
  shared: Int32Array<SharedArrayBuffer>;
}

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
 * Starts the watchdog: see sqlite-watchdog-thread.ts.
 *
 * @param engine The engine's process id, passed at start: `process.ppid` could already be that of
 *   the process that adopted this one.
 */
export function startWatchdog(engine: number): Watchdog {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  let statements = 0;
  const set = (running: number) => {
    Atomics.store(shared, 0, running);
    Atomics.notify(shared, 0);
  };
  const workerData: WatchdogData = { engine, shared };
  new Worker(new URL('./sqlite-watchdog-thread.js', import.meta.url), { workerData }).unref();
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
