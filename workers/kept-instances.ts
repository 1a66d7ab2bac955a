import type { GuestThread } from './guest-thread.js';

interface Kept {
  thread: GuestThread;
  key: string;
  mb: number;
}

const MB = 1 << 20;

/** The instances that idle threads keep for their programs' next runs, least recently used first. */
export class KeptInstances {
  readonly #byUse = new Map<string, Kept>();
  #mb = 0;

  get size(): number {
    return this.#byUse.size;
  }

  /** Memory of all of them. */
  get mb(): number {
    return this.#mb;
  }

  add(thread: GuestThread, key: string, bytes: number): void {
    thread.kept.set(key, bytes);
    if (bytes === 0) return;
    const kept = { thread, key, mb: bytes / MB };
    this.#mb += kept.mb;
    this.#byUse.set(`${thread.id}/${key}`, kept);
  }

  /** Called when an instance is in use again, or gone. */
  take(thread: GuestThread, key: string): void {
    const kept = this.#byUse.get(`${thread.id}/${key}`);
    if (kept === undefined) return;
    this.#byUse.delete(`${thread.id}/${key}`);
    this.#mb -= kept.mb;
  }

  /** Called when a thread is gone with all it kept. */
  takeAll(thread: GuestThread): void {
    for (const key of thread.kept.keys()) this.take(thread, key);
  }

  /** Gives up the least recently used until all that are left take no more than this. */
  shrinkTo(mb: number): void {
    for (const { thread, key } of this.#byUse.values()) {
      if (this.#mb <= mb) return;
      this.take(thread, key);
      thread.forget(key);
    }
  }
}
