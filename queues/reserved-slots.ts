/** One slot is reserved per this many slots of the process. */
const SLOTS_PER_RESERVED = 4;
const MIN_RESERVED = 2;
/** The divisor that gives the share of reserved slots one namespace may hold. */
const NAMESPACE_PART = 4;

/**
 * Slots in addition to those of the process, for namespaces whose jobs wait behind long jobs of
 * others. A namespace that already holds slots of any kind must wait for its own jobs. As a result,
 * a namespace never holds all slots while another waits: it holds at most a quarter of the reserved
 * slots, and gets a further one only while more of them are free than it holds.
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

  /**
   * Returns whether a namespace that holds this many slots, of any kind, may get a reserved one.
   */
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
