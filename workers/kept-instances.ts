import type { Given, GuestThread } from './guest-thread.js';

const MB = 1 << 20;

/** The instances that idle threads keep for their programs' next runs, least recently used first. */
export class KeptInstances {
  readonly #byUse = new Set<Given>();
  #mb = 0;

  get size(): number {
    return this.#byUse.size;
  }

  /** Memory of all of them. */
  get mb(): number {
    return this.#mb;
  }

  add(given: Given, bytes: number): void {
    this.take(given);
    given.keptBytes = bytes;
    if (bytes === 0) return;
    this.#mb += bytes / MB;
    this.#byUse.add(given);
  }

  /** Called when an instance is in use again, or gone. */
  take(given: Given): void {
    if (this.#byUse.delete(given)) this.#mb -= given.keptBytes / MB;
  }

  /** Called when a thread is gone with all it kept. */
  takeAll(thread: GuestThread): void {
    for (const given of thread.programs.values()) this.take(given);
  }

  /** Gives up the least recently used until all that are left take no more than this. */
  shrinkTo(mb: number): void {
    for (const given of this.#byUse) {
      if (this.#mb <= mb) return;
      this.take(given);
      given.thread.forget(given.key);
    }
  }
}
