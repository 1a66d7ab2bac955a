/** Those who wait: namespaces in turn, and of each namespace in the order they came. */
export class Line<T> {
  /** The namespace whose turn it is comes first. */
  readonly #waiting = new Map<string, T[]>();

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  join(namespace: string, one: T): void {
    const waiting = this.#waiting.get(namespace);
    if (waiting === undefined) this.#waiting.set(namespace, [one]);
    else waiting.push(one);
  }

  next(): T | undefined {
    for (const [namespace, waiting] of this.#waiting) {
      const one = waiting.shift();
      this.#waiting.delete(namespace);
      if (waiting.length > 0) this.#waiting.set(namespace, waiting);
      return one;
    }
    return undefined;
  }
}
