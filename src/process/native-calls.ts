/**
 * libsql aborts the process (SIGABRT instead of the exit code) when its thread is terminated during
 * one of its calls, and `process.exit` terminates all threads. Each thread that uses libsql
 * therefore shares a lock with the main thread: the thread holds it during calls, and the process
 * exits only while it is free.
 */
const FREE = 0;
const IN_CALL = 1;
const EXITING = 2;

/** How long an exit waits for a call, in milliseconds: a call may wait for a disk that hangs. */
const MAX_WAIT_MS = 5000;

const locks = new Set<Int32Array<SharedArrayBuffer>>();

/**
 * Creates the lock of a new thread, held until the thread's first `unlock`, because loading the
 * native module is a call as well. Pass it to the thread in `workerData`.
 */
export function createCallLock(): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const lock = new Int32Array(buffer);
  lock[0] = IN_CALL;
  if (locks.size === 0) process.on('exit', waitForCalls);
  locks.add(lock);
  return buffer;
}

/** Forgets the lock of a thread that has ended. */
export function removeCallLock(buffer: SharedArrayBuffer): void {
  for (const lock of locks) if (lock.buffer === buffer) locks.delete(lock);
  if (locks.size === 0) process.off('exit', waitForCalls);
}

/** Blocks the main thread until no thread is in a call, and keeps all from beginning another. */
function waitForCalls(): void {
  const deadline = performance.now() + MAX_WAIT_MS;
  for (const lock of locks) {
    while (Atomics.compareExchange(lock, 0, FREE, EXITING) !== FREE) {
      const left = deadline - performance.now();
      if (left <= 0) break;
      Atomics.wait(lock, 0, IN_CALL, left);
    }
  }
}

/** The thread's side of its lock. */
export class CallLock {
  readonly #lock: Int32Array<SharedArrayBuffer>;

  constructor(buffer: SharedArrayBuffer) {
    this.#lock = new Int32Array(buffer);
  }

  /** Runs `calls` while holding the lock. Blocks for ever if the process is exiting. */
  run<T>(calls: () => T): T {
    while (Atomics.compareExchange(this.#lock, 0, FREE, IN_CALL) !== FREE) {
      Atomics.wait(this.#lock, 0, EXITING);
    }
    try {
      return calls();
    } finally {
      this.unlock();
    }
  }

  /** Releases the lock; called once when the thread has opened its database or failed to. */
  unlock(): void {
    Atomics.store(this.#lock, 0, FREE);
    Atomics.notify(this.#lock, 0);
  }
}
