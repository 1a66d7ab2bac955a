import { unavailable } from '../redis/connection.js';
import { frame } from './frames.js';

/**
 * A batch of this length (in UTF-16 units) is sent immediately. Larger batches gain nothing and
 * delay the messages behind them.
 */
const MAX_BATCH_LENGTH = 1 << 20;

/** Sends one message to a channel of the server. */
type Publish = (channel: string, framed: string) => Promise<unknown>;

/** The messages to one channel in one turn of the event loop. */
interface Batch {
  messages: string[];
  length: number;
  sent: Promise<void>;
  send: () => void;
}

/**
 * Sends the messages to one channel within one turn of the event loop as one message: under load, a
 * PUBLISH per reply would cost more than the function call itself.
 */
export class PublishBatches {
  readonly #publish: Publish;
  readonly #batches = new Map<string, Batch>();
  /** Resolves when the batches of this turn have been sent; null if there are none. */
  #turnEnds: Promise<void> | null = null;

  constructor(publish: Publish) {
    this.#publish = publish;
  }

  /** Resolves when the server has the message. Rejects with `unavailable`. */
  add(channel: string, message: string): Promise<void> {
    const batch = this.#batches.get(channel) ?? this.#open(channel);
    batch.messages.push(message);
    batch.length += message.length;
    if (batch.length >= MAX_BATCH_LENGTH) batch.send();
    return batch.sent;
  }

  /** Resolves when the batches of this turn have been sent. */
  async flush(): Promise<void> {
    await this.#turnEnds;
  }

  /** Sends all batches now. Resolves when each has been received or has failed. */
  async close(): Promise<void> {
    const leaving = [...this.#batches.values()];
    for (const batch of leaving) batch.send();
    await Promise.allSettled(leaving.map((batch) => batch.sent));
  }

  #open(channel: string): Batch {
    const batch: Batch = { messages: [], length: 0, sent: Promise.resolve(), send: () => {} };
    batch.sent = new Promise((resolve, reject) => {
      batch.send = () => {
        if (this.#batches.get(channel) === batch) this.#batches.delete(channel);
        this.#publish(channel, frame(batch.messages)).then(
          () => resolve(),
          (error: unknown) => reject(unavailable('bus', error)),
        );
        batch.send = () => {};
      };
    });
    this.#batches.set(channel, batch);
    this.#turnEnds ??= this.#endOfTurn();
    return batch;
  }

  async #endOfTurn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#turnEnds = null;
    for (const batch of [...this.#batches.values()]) batch.send();
  }
}
