interface Entry<T> {
  readonly item: T;
  previous: Entry<T> | null;
  next: Entry<T> | null;
}

/** A list of distinct items, each of which is removed in constant time from any position. */
export class RemovableList<T> implements Iterable<T> {
  readonly #entries = new Map<T, Entry<T>>();
  #first: Entry<T> | null = null;
  #last: Entry<T> | null = null;

  get length(): number {
    return this.#entries.size;
  }

  get first(): T | undefined {
    return this.#first?.item;
  }

  push(item: T): void {
    const entry = { item, previous: this.#last, next: null };
    if (this.#last === null) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.#entries.set(item, entry);
  }

  unshift(item: T): void {
    const entry = { item, previous: null, next: this.#first };
    if (this.#first === null) this.#last = entry;
    else this.#first.previous = entry;
    this.#first = entry;
    this.#entries.set(item, entry);
  }

  /** Returns whether the list had the item. */
  remove(item: T): boolean {
    const entry = this.#entries.get(item);
    if (entry === undefined) return false;
    this.#entries.delete(item);
    const { previous, next } = entry;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    return true;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let entry = this.#first; entry !== null; entry = entry.next) yield entry.item;
  }
}
