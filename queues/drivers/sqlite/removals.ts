import type { RemovedHandler, RemovedInvocation } from '../../../src/ports/queue.js';
import { decodeInvocation } from '../../job-codec.js';
import type { JobData } from '../../job-data.js';
import type { Warn } from '../../warn.js';
import type { SqliteConnection } from './backend/connection.js';
import { FORGET_CANCELLED, rowsOf, write } from './tables.js';

const SWEEP_EVERY_MS = 10_000;
/** The number of jobs that a sweep reads at once, each with an input of up to 1 MB. */
const SWEEP_STEP = 16;
const READ = 'SELECT id, name, data FROM orama_removed';

type Row = [id: string, name: string, data: string];

/**
 * Tracks jobs that were deleted from the queue's database before a worker had them: see tables.ts.
 */
export class Removals {
  readonly #connection: SqliteConnection;
  readonly #onGone: (id: string) => void;
  readonly #warn: Warn;
  #sweeper: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** @param onGone Called with the id of each such job that a sweep finds. */
  constructor(connection: SqliteConnection, onGone: (id: string) => void, warn: Warn) {
    this.#connection = connection;
    this.#onGone = onGone;
    this.#warn = warn;
  }

  async find(id: string): Promise<RemovedInvocation | null> {
    const [row] = await rowsOf<Row>(this.#connection, `${READ} WHERE id = ?`, id);
    return row === undefined ? null : decodeRow(...row);
  }

  start(handler: RemovedHandler): void {
    clearInterval(this.#sweeper);
    this.#sweeper = setInterval(() => {
      this.#sweeping = this.#sweeping
        .then(() => this.#sweep(handler))
        .catch((error: unknown) =>
          this.#warn('Failed to process removed jobs; the next sweep retries.', error),
        );
    }, SWEEP_EVERY_MS);
    this.#sweeper.unref();
  }

  /**
   * Sweeps until no row is left: each cancelled job has one, and they must not become more while
   * jobs are cancelled.
   */
  async #sweep(handler: RemovedHandler): Promise<void> {
    for (;;) {
      const rows = await rowsOf<Row>(this.#connection, `${READ} LIMIT ${SWEEP_STEP}`);
      const over: [string][] = [];
      for (const row of rows) {
        const [id] = row;
        this.#onGone(id);
        if (await handler(decodeRow(...row))) over.push([id]);
      }
      if (over.length > 0) await write(this.#connection, 'DELETE FROM orama_removed WHERE id = ?', over);
      // Rows that stay would be read again.
      if (over.length < SWEEP_STEP || this.#isClosed) break;
    }
    await write(this.#connection, FORGET_CANCELLED, [[]]);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweeper);
    await this.#sweeping;
  }
}

function decodeRow(id: string, name: string, data: string): RemovedInvocation {
  const stored = JSON.parse(data) as JobData;
  return { invocation: decodeInvocation(id, name, stored), inputSize: stored.s, hasInput: true };
}
