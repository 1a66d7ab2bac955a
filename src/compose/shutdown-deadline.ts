import type { Closable } from '../ports/closable.js';
import { finishMs } from '../shutdown.js';

/**
 * What guests have of SHUTDOWN_SECONDS, counted once for the whole process: what web has used of
 * them, the worker beside it has not.
 */
export interface ShutdownDeadline extends Closable {
  /** Milliseconds that are left; the time starts to run when this or `close` is called first. */
  left(): number;
}

export function createShutdownDeadline(seconds: number): ShutdownDeadline {
  let end: number | null = null;
  const left = () => {
    end ??= performance.now() + finishMs(seconds);
    return Math.max(0, end - performance.now());
  };
  return {
    left,
    async close() {
      left();
    },
  };
}
