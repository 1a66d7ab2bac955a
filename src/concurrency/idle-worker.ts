import type { TransferListItem, Worker } from 'node:worker_threads';
import type { Closable } from '../ports/closable.js';

/** The idle time after which the thread is ended, in milliseconds. */
const IDLE_MS = 10_000;

/** A request to the thread or its reply, which has the id of the request. */
export interface Numbered<T> {
  id: number;
  message: T;
}

interface PendingCall<R> {
  resolve(reply: R): void;
  reject(error: Error): void;
}

/**
 * A worker thread that is started when it is needed, and ended when it has been idle for 10 s. It
 * answers each request, a `Numbered<Q>`, with a `Numbered<R>`. It keeps the process alive only
 * while calls are pending.
 */
export class IdleWorker<Q, R> implements Closable {
  readonly #create: () => Worker;
  readonly #idleMs: number;
  readonly #pending = new Map<number, PendingCall<R>>();
  #worker: Worker | null = null;
  #idle: NodeJS.Timeout | undefined;
  #lastId = 0;
  #whenIdle: (() => void) | undefined;
  #ending: Promise<unknown> = Promise.resolve();

  constructor(create: () => Worker, idleMs = IDLE_MS) {
    this.#create = create;
    this.#idleMs = idleMs;
  }

  /** Rejects if the thread cannot be started, or ends before it has answered. */
  async call(message: Q, transfer: readonly TransferListItem[] = []): Promise<R> {
    clearTimeout(this.#idle);
    const worker = this.#start();
    worker.ref();
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      try {
        worker.postMessage({ id, message } satisfies Numbered<Q>, transfer);
      } catch (error) {
        this.#pending.delete(id);
        this.#endWhenIdle();
        throw error;
      }
    });
  }

  /** Ends the thread now; pending calls are rejected. The next call starts another one. */
  async end(): Promise<void> {
    const worker = this.#worker;
    if (worker !== null) {
      this.#failed(worker, new Error('its thread was ended'));
      this.#ending = worker.terminate();
    }
    await this.#ending;
  }

  /** Waits for pending calls and ends the thread. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    if (this.#pending.size > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    await this.end();
  }

  #start(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = this.#create();
    this.#worker = worker;
    worker.on('message', (reply: Numbered<R>) => this.#onReply(reply));
    worker.on('error', (error) => this.#failed(worker, error));
    worker.on('exit', () => this.#failed(worker, new Error('its thread has ended')));
    return worker;
  }

  #onReply({ id, message }: Numbered<R>): void {
    this.#pending.get(id)?.resolve(message);
    this.#pending.delete(id);
    this.#endWhenIdle();
  }

  #failed(worker: Worker, cause: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    for (const { reject } of this.#pending.values()) reject(cause);
    this.#pending.clear();
    this.#endWhenIdle();
  }

  #endWhenIdle(): void {
    if (this.#pending.size > 0) return;
    // The timer of a thread that has ended would end the next one, and its calls.
    clearTimeout(this.#idle);
    this.#whenIdle?.();
    if (this.#worker === null) return;
    this.#worker.unref();
    this.#idle = setTimeout(() => void this.end(), this.#idleMs).unref();
  }
}
