/** One reserved slot for each so many of the process's own. */
const SLOTS_PER_RESERVED = 4;
const MIN_RESERVED = 2;
/** A namespace may hold this part of the reserved slots. */
const NAMESPACE_PART = 4;

/**
 * Slots beyond the process's own, for namespaces that jobs of others keep waiting. One that holds
 * slots already, own or reserved, gets none of them: it waits for its own jobs. So a namespace
 * never holds all slots while another waits; of reserved slots it has a quarter at most, and a
 * further one only while more are free than it holds.
 */
export class ReservedSlots {
  readonly #total: number;
  readonly #perNamespace: number;
  #inUse = 0;

  constructor(slots: number) {
    this.#total = Math.max(MIN_RESERVED, Math.ceil(slots / SLOTS_PER_RESERVED));
    this.#perNamespace = Math.max(1, Math.floor(this.#total / NAMESPACE_PART));
  }

  get inUse(): number {
    return this.#inUse;
  }

  /** Whether a namespace that holds so many slots of any sort may have one. */
  allows(held: number): boolean {
    const free = this.#total - this.#inUse;
    return held < this.#perNamespace && held < free;
  }

  take(): void {
    this.#inUse++;
  }

  release(): void {
    this.#inUse--;
  }
}
