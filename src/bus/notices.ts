import { randomUUID } from 'node:crypto';
import type { Bus } from '../ports/bus.js';

/**
 * Precedes a notice in its frame, with the channel for acknowledgements and the notice's number.
 * Messages are JSON or names, and contain no NUL.
 */
const MARK = '\0notice ';
/** How long a notice waits for acknowledgements, in milliseconds. */
const WAIT_MS = 500;

/**
 * Sends messages to a channel as one frame. Resolves with the number of connections that got it.
 */
type PublishFrame = (channel: string, messages: readonly string[]) => Promise<number>;

interface Notice {
  /** Acknowledgements received; the first may arrive before their number is known. */
  received: number;
  expected: number;
  done(): void;
}

/** Messages whose sender waits until all subscribers have handled them. */
export class Notices {
  readonly #bus: Pick<Bus, 'publish' | 'subscribe'>;
  readonly #publish: PublishFrame;
  readonly #address = `notices:${randomUUID()}`;
  readonly #waiting = new Map<string, Notice>();
  #listening: Promise<unknown> | null = null;
  #lastNumber = 0;

  constructor(bus: Pick<Bus, 'publish' | 'subscribe'>, publish: PublishFrame) {
    this.#bus = bus;
    this.#publish = publish;
  }

  async send(channel: string, message: string): Promise<void> {
    this.#listening ??= this.#bus.subscribe(this.#address, (number) => this.#count(number));
    await this.#listening.catch((error) => {
      this.#listening = null;
      throw error;
    });
    const number = String(++this.#lastNumber);
    let timer: NodeJS.Timeout | undefined;
    const handled = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, WAIT_MS);
      this.#waiting.set(number, { received: 0, expected: Number.POSITIVE_INFINITY, done: resolve });
    });
    try {
      const expected = await this.#publish(channel, [message, `${MARK}${this.#address} ${number}`]);
      const notice = this.#waiting.get(number);
      if (notice && notice.received < expected) {
        notice.expected = expected;
        await handled;
      }
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(number);
    }
  }

  /**
   * Acknowledges the notice before it in the frame if the message is a mark. Returns whether it is.
   */
  acknowledge(message: string): boolean {
    if (!message.startsWith(MARK)) return false;
    const [address = '', number = ''] = message.slice(MARK.length).split(' ');
    // A sender that gets no acknowledgement stops waiting.
    void this.#bus.publish(address, number).catch(() => undefined);
    return true;
  }

  #count(number: string): void {
    const notice = this.#waiting.get(number);
    if (notice && ++notice.received >= notice.expected) notice.done();
  }
}
