import { messageOf } from './errors.js';
import type { Logger } from './logger.js';
import type { Closable } from './ports/closable.js';

/** What has been opened, closed in reverse order. Closing goes on past a part that fails to. */
export class Closers implements Closable {
  readonly #opened: Closable[] = [];
  #closing: Promise<void> | null = null;

  constructor(private readonly logger: Logger) {}

  add<T extends Closable>(part: T): T {
    this.#opened.push(part);
    return part;
  }

  get isClosing(): boolean {
    return this.#closing !== null;
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (const part of this.#opened.reverse()) {
        await part.close().catch((error: unknown) => {
          this.logger.error({ err: messageOf(error) }, 'a part did not close cleanly');
        });
      }
    })();
    return this.#closing;
  }
}
