/** Counts per key. A key whose count is 0 takes no memory. */
export class CountByKey {
  readonly #counts = new Map<string, number>();

  get(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** The keys whose count is not 0. */
  keys(): Iterable<string> {
    return this.#counts.keys();
  }

  increment(key: string): void {
    this.#counts.set(key, this.get(key) + 1);
  }

  decrement(key: string): void {
    const left = this.get(key) - 1;
    if (left > 0) this.#counts.set(key, left);
    else this.#counts.delete(key);
  }

  clear(): void {
    this.#counts.clear();
  }
}
