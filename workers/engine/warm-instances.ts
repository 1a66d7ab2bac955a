import type { GuestThread, LoadedProgram } from '../threads/guest-thread.js';

const MB = 1 << 20;

/**
 * The instances that idle threads keep for their programs' next runs, least recently used first.
 */
export class WarmInstances {
  readonly #byUse = new Set<LoadedProgram>();
  #mb = 0;

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
    this.#byUse.add(given);
  }

  /** Called when an instance is in use again, or gone. */
  remove(given: LoadedProgram): void {
    if (this.#byUse.delete(given)) this.#mb -= given.keptBytes / MB;
  }

  /** Called when a thread is gone with all it kept. */
  removeAll(thread: GuestThread): void {
    for (const given of thread.programs.values()) this.remove(given);
  }

  /** Gives up the least recently used until all that are left take no more than this. */
  shrinkTo(mb: number): void {
    for (const given of this.#byUse) {
      if (this.#mb <= mb) return;
      this.remove(given);
      given.thread.unload(given.key);
    }
  }
}
