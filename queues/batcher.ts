interface Waiting<Item, Answer> {
  item: Item;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

export interface BatcherOptions<Item, Answer> {
  /**
   * Sends a batch; an answer for each item, in their order: an error rejects that item alone. When
   * it rejects, so does every item.
   */
  send(items: readonly Item[]): Promise<readonly (Answer | Error)[]>;
  /** Whether an item may go with those before it, of which there is one at least. */
  fits(items: readonly Item[], item: Item): boolean;
  /** Runs the flush when all that is gathered now is there: `setImmediate` or `process.nextTick`. */
  defer(flush: () => void): void;
}

/**
 * Gathers what is asked for in one turn of the event loop, and sends it in its order in as few
 * batches as it fits into.
 */
export class Batcher<Item, Answer> {
  readonly #options: BatcherOptions<Item, Answer>;
  readonly #sending = new Set<Promise<void>>();
  #waiting: Waiting<Item, Answer>[] = [];

  constructor(options: BatcherOptions<Item, Answer>) {
    this.#options = options;
  }

  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#waiting.length === 1) this.#options.defer(() => this.#flush());
    });
  }

  /** Resolves when everything has its answer. */
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

  #dispatch(batch: readonly Waiting<Item, Answer>[], items: readonly Item[]): void {
    const sending = this.#send(batch, items).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  async #send(batch: readonly Waiting<Item, Answer>[], items: readonly Item[]): Promise<void> {
    try {
      const answers = await this.#options.send(items);
      if (answers.length !== batch.length)
        throw new Error(`${answers.length} answers to ${batch.length} items`);
      for (const [index, answer] of answers.entries()) {
        if (answer instanceof Error) batch[index]?.reject(answer);
        else batch[index]?.resolve(answer);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
