interface WaitingItem<Item, Answer> {
  item: Item;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

export interface BatcherOptions<Item, Answer> {
  /**
   * Sends a batch. Resolves with one answer per item, in the order of the items; an Error rejects
   * only that item. A rejection rejects every item of the batch.
   */
  send(items: readonly Item[]): Promise<readonly (Answer | Error)[]>;
  /** Returns whether `item` fits into a batch that already contains `items` (at least one). */
  fits(items: readonly Item[], item: Item): boolean;
  /** Schedules the flush for the end of the current turn: `setImmediate` or `process.nextTick`. */
  defer(flush: () => void): void;
}

/**
 * Collects the items that are added in one turn of the event loop and sends them, in order, in as
 * few batches as `fits` allows.
 */
export class Batcher<Item, Answer> {
  readonly #options: BatcherOptions<Item, Answer>;
  readonly #sending = new Set<Promise<void>>();
  #waiting: WaitingItem<Item, Answer>[] = [];

  constructor(options: BatcherOptions<Item, Answer>) {
    this.#options = options;
  }

  /**
   * Adds an item to the next batch. Resolves with its answer; rejects with its error or that of the
   * batch.
   */
  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#waiting.length === 1) this.#options.defer(() => this.#flush());
    });
  }

  /** Sends what is collected, and resolves when every batch sent so far has been answered. */
  async idle(): Promise<void> {
    this.#flush();
    await Promise.all(this.#sending);
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    let from = 0;
    let items: Item[] = [];
    for (const [index, { item }] of waiting.entries()) {
      if (items.length > 0 && !this.#options.fits(items, item)) {
        this.#dispatch(waiting.slice(from, index), items);
        from = index;
        items = [];
      }
      items.push(item);
    }
    if (items.length > 0) this.#dispatch(waiting.slice(from), items);
  }

  #dispatch(batch: readonly WaitingItem<Item, Answer>[], items: readonly Item[]): void {
    const sending = this.#send(batch, items).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  async #send(batch: readonly WaitingItem<Item, Answer>[], items: readonly Item[]): Promise<void> {
    try {
      const answers = await this.#options.send(items);
      if (answers.length !== batch.length)
        throw new Error(`a batch of ${batch.length} items got ${answers.length} answers`);
      for (const [index, answer] of answers.entries()) {
        if (answer instanceof Error) batch[index]?.reject(answer);
        else batch[index]?.resolve(answer);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
