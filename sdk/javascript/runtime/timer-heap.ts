export interface Timer {
  readonly id: number;
  /** When it fires (monotonic time). Not to be changed while the timer is in a heap. */
  due: number;
  /** Null for a timer that fires once. */
  readonly interval: number | null;
  fire(): void;
}

/**
 * Timers in a binary heap: adding and removing one takes logarithmic time. Timers that are due at
 * the same time are in the order of their creation.
 */
export class TimerHeap {
  readonly #heap: Timer[] = [];
  /** The index of each timer in the heap, by id. */
  readonly #indexes = new Map<number, number>();

  first(): Timer | null {
    return this.#heap[0] ?? null;
  }

  add(timer: Timer): void {
    this.#heap.push(timer);
    this.#up(timer, this.#heap.length - 1);
  }

  /** Removes a timer; an unknown id is ignored. */
  remove(id: number): void {
    const at = this.#indexes.get(id);
    const last = this.#heap.at(-1);
    if (at === undefined || last === undefined) return;
    this.#heap.pop();
    this.#indexes.delete(id);
    if (last.id === id) return;
    const parent = this.#heap[parentOf(at)];
    if (at > 0 && parent !== undefined && isBefore(last, parent)) this.#up(last, at);
    else this.#down(last, at);
  }

  clear(): void {
    this.#heap.length = 0;
    this.#indexes.clear();
  }

  #up(timer: Timer, from: number): void {
    let at = from;
    while (at > 0) {
      const parent = this.#heap[parentOf(at)];
      if (parent === undefined || !isBefore(timer, parent)) break;
      this.#place(parent, at);
      at = parentOf(at);
    }
    this.#place(timer, at);
  }

  #down(timer: Timer, from: number): void {
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      let first = this.#heap[child];
      const right = this.#heap[child + 1];
      if (first !== undefined && right !== undefined && isBefore(right, first)) {
        first = right;
        child += 1;
      }
      if (first === undefined || !isBefore(first, timer)) break;
      this.#place(first, at);
      at = child;
    }
    this.#place(timer, at);
  }

  #place(timer: Timer, at: number): void {
    this.#heap[at] = timer;
    this.#indexes.set(timer.id, at);
  }
}

const parentOf = (at: number) => (at - 1) >> 1;
const isBefore = (a: Timer, b: Timer) => a.due < b.due || (a.due === b.due && a.id < b.id);
