/** Runs operations one at a time, in the order of their calls. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves or rejects as the operation does. */
  run<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#last.then(operation);
    this.#last = result.catch(() => {});
    return result;
  }

  /** Resolves when all operations have ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
