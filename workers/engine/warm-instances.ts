import { MB } from '../../src/contract/limits.js';
import type { GuestThread, LoadedProgram } from '../threads/guest-thread.js';

/** The size of an instance besides its memory and what its module adds to it, in bytes. */
const INSTANCE_BYTES = 64 << 10;

/** The warm instances that idle threads keep for further runs of their programs, in LRU order. */
export class WarmInstances {
  readonly #byUse = new Set<LoadedProgram>();
  readonly #maxFilledMb: number;
  #mb = 0;
  #filledMb = 0;

  /**
   * @param maxFilledMb The limit of the filled parts of all memories, which is what they use of the
   *   machine's memory, in megabytes.
   */
  constructor(maxFilledMb: number) {
    this.#maxFilledMb = maxFilledMb;
  }

  get size(): number {
    return this.#byUse.size;
  }

  /** The memory of all warm instances, in megabytes. */
  get mb(): number {
    return this.#mb;
  }

  add(program: LoadedProgram, bytes: number): void {
    this.remove(program);
    program.keptBytes = bytes;
    if (bytes === 0) return;
    this.#mb += bytes / MB;
    this.#filledMb += filledMb(program);
    this.#byUse.add(program);
  }

  /** Called when an instance is in use again, or has been dropped. */
  remove(program: LoadedProgram): void {
    if (!this.#byUse.delete(program)) return;
    this.#mb -= program.keptBytes / MB;
    this.#filledMb -= filledMb(program);
  }

  /** Called when a thread has exited with all its instances. */
  removeAll(thread: GuestThread): void {
    for (const program of thread.programs.values()) this.remove(program);
  }

  /**
   * Evicts the least recently used instances until their memory is at most `mb` megabytes and their
   * filled part at most `maxFilledMb`.
   */
  shrinkTo(mb: number): void {
    for (const program of this.#byUse) {
      if (this.#mb <= mb && this.#filledMb <= this.#maxFilledMb) return;
      this.remove(program);
      program.thread.unload(program.key);
    }
  }
}

function filledMb({ filledBytes, instanceBytes }: LoadedProgram): number {
  return (filledBytes + instanceBytes + INSTANCE_BYTES) / MB;
}
