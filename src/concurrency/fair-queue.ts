import { RemovableList } from './removable-list.js';

/**
 * A queue with one first-in-first-out list per owner. Owners are served round-robin, so that no
 * owner's backlog delays another owner. An item must not be in the queue twice. What an operation
 * costs does not depend on the number of items.
 */
export class FairQueue<T> {
  /** In order of service: the next owner comes first. */
  readonly #queues = new Map<string, RemovableList<T>>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  owners(): Iterable<string> {
    return this.#queues.keys();
  }

  push(owner: string, item: T): void {
    this.#queueOf(owner).push(item);
    this.#length++;
  }

  /**
   * Puts an item that was taken back to the front of its owner's list. An owner without other items
   * is served last.
   */
  requeue(owner: string, item: T): void {
    this.#queueOf(owner).unshift(item);
    this.#length++;
  }

  /**
   * Removes and returns the first item for which `accept` returns true, or null. Only the first
   * item of each owner is offered.
   */
  take(accept: (item: T) => boolean): T | null {
    for (const [owner, queue] of this.#queues) {
      const item = queue.first;
      if (item === undefined || !accept(item)) continue;
      queue.remove(item);
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
    if (queue === undefined || !queue.remove(item)) return false;
    if (queue.length === 0) this.#queues.delete(owner);
    this.#length--;
    return true;
  }

  drain(): T[] {
    const items = [...this.#queues.values()].flatMap((queue) => [...queue]);
    this.#queues.clear();
    this.#length = 0;
    return items;
  }

  #queueOf(owner: string): RemovableList<T> {
    const found = this.#queues.get(owner);
    if (found !== undefined) return found;
    const created = new RemovableList<T>();
    this.#queues.set(owner, created);
    return created;
  }
}
