import type { Closable } from '../ports/closable.js';
import { finishMs } from '../process/shutdown.js';

/**
 * The time that guests have left at shutdown, measured once per process, so that the worker does
 * not get the time that web has already used.
 */
export interface ShutdownDeadline extends Closable {
  /**
   * Returns the milliseconds left. The countdown starts at the first call of this or of `close`.
   */
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
