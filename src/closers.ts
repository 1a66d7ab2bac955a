import { AppError, messageOf } from './errors.js';
import type { Logger } from './logger.js';
import type { Closable } from './ports/closable.js';

/** What has been opened, closed in reverse order. Closing goes on past a part that fails to. */
export class Closers implements Closable {
  readonly #opened: Closable[] = [];
  #closing: Promise<void> | null = null;

  constructor(private readonly logger: Logger) {}

  /**
   * Throws when it is closing already, which cuts a start short; the part is then closed at once.
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
      this.logger.error({ err: messageOf(error) }, 'a part did not close cleanly');
    }
  }
}
