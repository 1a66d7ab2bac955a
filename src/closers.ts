import { AppError, messageOf } from './errors.js';
import type { Logger } from './logger.js';
import type { Closable } from './ports/closable.js';

/**
 * Closes resources in reverse order of registration. An error of one resource is logged and does
 * not keep the others from being closed.
 */
export class Closers implements Closable {
  readonly #opened: Closable[] = [];
  #closing: Promise<void> | null = null;

  constructor(private readonly logger: Logger) {}

  /**
   * Registers a resource and returns it. If closing has already begun, closes the resource at once
   * and throws `unavailable`, which aborts the startup.
   */
  add<T extends Closable>(part: T): T {
    if (this.#closing === null) {
      this.#opened.push(part);
      return part;
    }
    this.#closing = Promise.all([this.#closing, this.#closePart(part)]).then(() => {});
    throw new AppError('unavailable', 'The process is stopping.');
  }

  get isClosing(): boolean {
    return this.#closing !== null;
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (const part of this.#opened.reverse()) {
        await this.#closePart(part);
      }
    })();
    return this.#closing;
  }

  async #closePart(part: Closable): Promise<void> {
    try {
      await part.close();
    } catch (error) {
      this.logger.error({ err: messageOf(error) }, 'a resource could not be closed');
    }
  }
}
