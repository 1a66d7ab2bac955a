import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Closable } from '../../../src/ports/closable.js';
import { createCallLock, removeCallLock } from '../../../src/process/native-calls.js';
import { SqliteError } from './errors.js';
import type {
  SqliteReply,
  SqliteRequest,
  SqliteThreadData,
  SqliteThreadOptions,
  Statement,
  StatementResult,
} from './protocol.js';

interface PendingRequest {
  resolve(results: StatementResult[]): void;
  reject(error: Error): void;
}

/**
 * The main thread's handle of the SQLite thread: one file, statements are answered in the order in
 * which they are sent.
 */
export class SqliteThread implements Closable {
  readonly #thread: Worker;
  readonly #pending = new Map<number, PendingRequest>();
  #nextId = 0;
  #closedBy: SqliteError | null = null;
  #closing: Promise<void> | null = null;

  private constructor(thread: Worker) {
    this.#thread = thread;
    thread.on('message', (reply: SqliteReply) => this.#onReply(reply));
    thread.on('error', (error) => {
      this.#fail(new SqliteError('SQLITE_THREAD', error.message));
      // The outcome of its statements is unknown, and nothing can be stored without it: the process
      // ends, and a new one reads what is durable.
      throw error;
    });
    thread.on('exit', () => this.#fail(closedError()));
  }

  static async open(options: SqliteThreadOptions): Promise<SqliteThread> {
    const lock = createCallLock();
    const workerData: SqliteThreadData = { ...options, lock };
    const thread = new Worker(new URL('./thread.js', import.meta.url), { workerData });
    thread.once('exit', () => removeCallLock(lock));
    const [first] = (await once(thread, 'message')) as [SqliteReply];
    if (first.kind === 'unopened') throw new SqliteError(first.code, first.message);
    return new SqliteThread(thread);
  }

  /** Executes one statement alone, several in one transaction. */
  execute(statements: readonly Statement[]): Promise<StatementResult[]> {
    if (this.#closedBy !== null) return Promise.reject(this.#closedBy);
    if (this.#closing !== null) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#pending.set(id, { resolve, reject });
      this.#thread.postMessage({ id, statements } satisfies SqliteRequest);
    });
  }

  /** Closes the connection after pending statements have finished. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#closedBy !== null) return;
    const exited = once(this.#thread, 'exit');
    this.#thread.postMessage('close' satisfies SqliteRequest);
    await exited;
  }

  #onReply(reply: SqliteReply): void {
    if (reply.kind === 'opened' || reply.kind === 'unopened') return;
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (reply.kind === 'done') pending?.resolve(reply.results);
    else pending?.reject(new SqliteError(reply.code, reply.message));
  }

  #fail(error: SqliteError): void {
    this.#closedBy ??= error;
    for (const pending of this.#pending.values()) pending.reject(this.#closedBy);
    this.#pending.clear();
  }
}

function closedError(): SqliteError {
  return new SqliteError('SQLITE_CLOSED', 'the database is closed');
}
