import type { Run } from './run.js';
import type { ThreadQueues } from './thread-queues.js';

/** The longest that a timer can be set for. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * Stops runs whose time is up. One timer for all of them, set for the earliest: most runs have
 * ended long before, and a timer for each would be set and cleared for nothing.
 */
export class Deadlines {
  readonly #lines: ThreadQueues;
  readonly #stop: (run: Run) => void;
  #timer: NodeJS.Timeout | null = null;
  /** When it fires, in milliseconds since 1970. */
  #at = Number.POSITIVE_INFINITY;

  constructor(lines: ThreadQueues, stop: (run: Run) => void) {
    this.#lines = lines;
    this.#stop = stop;
  }

  /** For a run that was just queued on its thread. */
  watch(run: Run): void {
    const due = dueAt(run);
    if (due >= this.#at) return;
    this.close();
    this.#at = due;
    this.#timer = setTimeout(() => this.#check(), Math.min(Math.max(due - Date.now(), 1), MAX_DELAY_MS));
    // The run that it was set for may have ended long since.
    this.#timer.unref();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** All are found before the first is stopped, as stopping changes the thread queues. */
  #check(): void {
    this.close();
    const now = Date.now();
    const going = [...this.#lines.all()]
      .flatMap(([, line]) => line)
      .filter((run) => !run.settled && run.stopReason === null);
    for (const run of going) if (dueAt(run) > now) this.watch(run);
    for (const run of going) if (dueAt(run) <= now) this.#stop(run);
  }
}

/** Time counts from when the guest began, which is a little after it was queued on its thread. */
function dueAt({ slot, call }: Run): number {
  return (slot?.startedAt ?? Date.now()) + call.timeoutMs;
}
