/**
 * A queue with one first-in-first-out list per owner. Owners are served round-robin, so that no
 * owner's backlog delays another owner.
 */
export class FairQueue<T> {
  /** In order of service: the next owner comes first. */
  readonly #queues = new Map<string, T[]>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  owners(): Iterable<string> {
    return this.#queues.keys();
  }

  push(owner: string, item: T): void {
    const queue = this.#queues.get(owner);
    if (queue === undefined) this.#queues.set(owner, [item]);
    else queue.push(item);
    this.#length++;
  }

  /**
   * Puts an item that was taken back to the front of its owner's list. An owner without other items
   * is served last.
   */
  requeue(owner: string, item: T): void {
    const queue = this.#queues.get(owner);
    if (queue === undefined) this.#queues.set(owner, [item]);
    else queue.unshift(item);
    this.#length++;
  }

  /**
   * Removes and returns the first item for which `accept` returns true, or null. Only the first
   * item of each owner is offered.
   */
  take(accept: (item: T) => boolean): T | null {
    for (const [owner, queue] of this.#queues) {
      const item = queue[0];
      if (item === undefined || !accept(item)) continue;
      queue.shift();
      this.#length--;
      // Move the owner to the end of the order.
      this.#queues.delete(owner);
      if (queue.length > 0) this.#queues.set(owner, queue);
      return item;
    }
    return null;
  }

  /** Removes and returns the first item, or null. */
  shift(): T | null {
    return this.take(() => true);
  }

  remove(owner: string, item: T): boolean {
    const queue = this.#queues.get(owner);
    const at = queue?.indexOf(item) ?? -1;
    if (queue === undefined || at < 0) return false;
    queue.splice(at, 1);
    if (queue.length === 0) this.#queues.delete(owner);
    this.#length--;
    return true;
  }

  drain(): T[] {
    const items = [...this.#queues.values()].flat();
    this.#queues.clear();
    this.#length = 0;
    return items;
  }
}
