import type { GuestThread, LoadedProgram } from '../threads/guest-thread.js';

const MB = 1 << 20;
/** Of each instance, beside its memory. */
const INSTANCE_BYTES = 64 << 10;

/**
 * The instances that idle threads keep for their programs' next runs, least recently used first.
 */
export class WarmInstances {
  readonly #byUse = new Set<LoadedProgram>();
  readonly #maxFilledMb: number;
  #mb = 0;
  #filledMb = 0;

  /** `maxFilledMb`: of what the memories of all hold, which is what they take of the machine. */
  constructor(maxFilledMb: number) {
    this.#maxFilledMb = maxFilledMb;
  }

  get size(): number {
    return this.#byUse.size;
  }

  /** Memory of all of them. */
  get mb(): number {
    return this.#mb;
  }

  add(given: LoadedProgram, bytes: number): void {
    this.remove(given);
    given.keptBytes = bytes;
    if (bytes === 0) return;
    this.#mb += bytes / MB;
    this.#filledMb += filledMb(given);
    this.#byUse.add(given);
  }

  /** Called when an instance is in use again, or gone. */
  remove(given: LoadedProgram): void {
    if (!this.#byUse.delete(given)) return;
    this.#mb -= given.keptBytes / MB;
    this.#filledMb -= filledMb(given);
  }

  /** Called when a thread is gone with all its instances. */
  removeAll(thread: GuestThread): void {
    for (const given of thread.programs.values()) this.remove(given);
  }

  /**
   * Gives up the least recently used until the memory of all that are left is no more than this,
   * and what it holds no more than they may take.
   */
  shrinkTo(mb: number): void {
    for (const given of this.#byUse) {
      if (this.#mb <= mb && this.#filledMb <= this.#maxFilledMb) return;
      this.remove(given);
      given.thread.unload(given.key);
    }
  }
}

function filledMb({ filledBytes }: LoadedProgram): number {
  return (filledBytes + INSTANCE_BYTES) / MB;
}
