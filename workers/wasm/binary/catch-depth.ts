/**
 * Finds how many blocks of a function that handle an exception enclose one another. V8 keeps the
 * exception of each of them until control leaves it.
 */
export class CatchDepth {
  /** The blocks that have begun, and whether each handles an exception. */
  readonly #blocks: boolean[] = [];
  #depth = 0;
  #most = 0;

  /** The largest number of exceptions that one call of the function handles at once. */
  get most(): number {
    return this.#most;
  }

  enter(): void {
    this.#blocks.push(false);
  }

  /** A `catch` or `catch_all` of the innermost block. */
  catch(): void {
    const last = this.#blocks.length - 1;
    if (last < 0 || this.#blocks[last] === true) return;
    this.#blocks[last] = true;
    this.#most = Math.max(this.#most, ++this.#depth);
  }

  end(): void {
    if (this.#blocks.pop() === true) this.#depth--;
  }
}
