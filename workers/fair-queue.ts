/** Waiting work, one line per owner: each turn goes to the next owner, so that a long line of one delays no other's first. */
export class FairQueue<T> {
  readonly #lines = new Map<string, T[]>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(owner: string, item: T): void {
    const line = this.#lines.get(owner);
    if (line === undefined) this.#lines.set(owner, [item]);
    else line.push(item);
    this.#length++;
  }

  /** For what was taken and is to be taken again before all others of its owner. */
  putBack(owner: string, item: T): void {
    const line = this.#lines.get(owner);
    if (line === undefined) this.#lines.set(owner, [item]);
    else line.unshift(item);
    this.#length++;
  }

  /** Takes the first item that `accept` takes, owners in turn; within a line the order is that of arrival. */
  take(accept: (item: T) => boolean): T | null {
    for (const [owner, line] of this.#lines) {
      const item = line[0];
      if (item === undefined || !accept(item)) continue;
      line.shift();
      this.#length--;
      // The owner goes to the end of the turn.
      this.#lines.delete(owner);
      if (line.length > 0) this.#lines.set(owner, line);
      return item;
    }
    return null;
  }

  remove(owner: string, item: T): boolean {
    const line = this.#lines.get(owner);
    const at = line?.indexOf(item) ?? -1;
    if (line === undefined || at < 0) return false;
    line.splice(at, 1);
    if (line.length === 0) this.#lines.delete(owner);
    this.#length--;
    return true;
  }

  drain(): T[] {
    const items = [...this.#lines.values()].flat();
    this.#lines.clear();
    this.#length = 0;
    return items;
  }
}
