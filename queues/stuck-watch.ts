import { perQueue, QUEUE_KINDS, type QueueKind } from './queue-names.js';

/** If no slot was released between two checks, long jobs hold all of them. In milliseconds. */
const CHECK_INTERVAL_MS = 50;

export interface StuckWatchOptions {
  /** Whether all slots that jobs of the kind may use are held. */
  isFull(kind: QueueKind): boolean;
  /** Called when `isStuck` of the kind has changed. */
  changed(kind: QueueKind): void;
  /** Called at each check that finds the kind stuck. */
  onStuck(kind: QueueKind): void;
}

/** Finds the kinds whose slots are all held by long jobs. Checks only while slots are all held. */
export class StuckWatch {
  readonly #options: StuckWatchOptions;
  /** The number of jobs that have released their slot, and its value at the last check. */
  readonly #released = perQueue(() => 0);
  readonly #releasedBefore = perQueue(() => -1);
  readonly #stuck = new Set<QueueKind>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: StuckWatchOptions) {
    this.#options = options;
  }

  isStuck(kind: QueueKind): boolean {
    return this.#stuck.has(kind);
  }

  recordRelease(kind: QueueKind): void {
    this.#released[kind]++;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#check(), CHECK_INTERVAL_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #check(): void {
    let isAnyFull = false;
    for (const kind of QUEUE_KINDS) {
      const isFull = this.#options.isFull(kind);
      isAnyFull ||= isFull;
      const isStuck = isFull && this.#released[kind] === this.#releasedBefore[kind];
      this.#releasedBefore[kind] = this.#released[kind];
      if (isStuck !== this.#stuck.has(kind)) {
        if (isStuck) this.#stuck.add(kind);
        else this.#stuck.delete(kind);
        this.#options.changed(kind);
      }
      if (isStuck) this.#options.onStuck(kind);
    }
    if (!isAnyFull) this.stop();
  }
}
