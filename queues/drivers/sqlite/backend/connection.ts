import { EventEmitter } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { setImmediate } from 'node:timers';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { ConnectionClosedError } from 'bullmq';
import { createCallLock, removeCallLock } from '../../../../src/process/native-calls.js';
import { SqliteQueueError, type Subject } from './errors.js';
import { PendingOperations } from './pending-operations.js';
import type {
  OperationArguments,
  OperationCall,
  OperationName,
  OperationResult,
  ThreadData,
  ThreadReply,
} from './protocol.js';

export interface SqliteConnectionOptions {
  /** The database file; created when it does not exist. */
  path: string;
  /**
   * Whether to record events for QueueEvents, at the cost of two or three small rows per transition
   * of a job. Default: true.
   */
  events?: boolean;
  /** How long to wait for another process's transaction, in milliseconds. Default: 5000. */
  busyTimeoutMs?: number;
  /** SQL that runs at every start, for further tables in the same file. */
  setup?: string;
}

const BUSY_TIMEOUT_MS = 5000;

/**
 * A database file and the thread that owns it. The operations of one turn of the event loop are
 * sent in one message; their results return in one message once they are durable.
 */
export class SqliteConnection extends EventEmitter {
  static readonly #shared = new Map<string, SqliteConnection>();

  readonly path: string;
  /** Resolves when the file is open; rejects when it cannot be opened. */
  readonly ready: Promise<void>;
  readonly #port: MessagePort;
  readonly #thread: Worker;
  readonly #pending = new PendingOperations();
  #gathered: OperationCall[] = [];
  #users = 0;
  #closing: Promise<void> | undefined;
  #closedBy: Error | undefined;
  /** The names of clients that wait for jobs or events, as reported by `getClientList`. */
  readonly #clients = new Map<object, string>();
  /**
   * The sequence numbers of changes, per kind and queue. A caller that looked earlier compares them
   * to learn whether it must look again.
   */
  readonly #changeCounts = new Map<string, number>();

  constructor(options: SqliteConnectionOptions) {
    super();
    // Each queue and worker adds a listener.
    this.setMaxListeners(0);
    this.path = resolve(options.path);
    mkdirSync(dirname(this.path), { recursive: true });
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#thread = startThread(this.path, options, port2);
    this.ready = new Promise((opened, failed) => {
      port1.on('message', (reply: ThreadReply) => this.#onReply(reply, opened, failed));
      this.#thread.once('exit', () => {
        // The thread's last message may not have been delivered yet.
        const last = receiveMessageOnPort(port1) as { message: ThreadReply } | undefined;
        if (last !== undefined) this.#onReply(last.message, opened, failed);
        failed(new ConnectionClosedError());
      });
    });
    // Callers that await `ready` handle the rejection; without one it must not become an unhandled
    // rejection.
    this.ready.catch(() => {});
    this.#thread.on('error', (error) => {
      this.#fail(error);
      // The outcome of its operations is unknown, and no job can be taken or settled without it:
      // the process ends, and a new one continues with what is durable.
      throw error;
    });
    this.#thread.on('exit', () => this.#fail(new ConnectionClosedError()));
  }

  /**
   * Returns the shared connection of this process to a file. The connection is reference-counted:
   * the last `release` closes it.
   */
  static acquire(options: SqliteConnectionOptions): SqliteConnection {
    const path = resolve(options.path);
    let connection = SqliteConnection.#shared.get(path);
    if (connection === undefined || connection.isClosing) {
      connection = new SqliteConnection(options);
      SqliteConnection.#shared.set(path, connection);
    }
    connection.#users++;
    return connection;
  }

  /** Releases a connection that `acquire` returned. */
  async release(): Promise<void> {
    this.#users--;
    if (this.#users > 0) return this.settled();
    if (SqliteConnection.#shared.get(this.path) === this) SqliteConnection.#shared.delete(this.path);
    await this.close();
  }

  get isClosing(): boolean {
    return this.#closing !== undefined || this.#closedBy !== undefined;
  }

  /**
   * Runs one operation, batched with the others of this turn. Resolves with its result when it is
   * durable; rejects when it is refused or fails.
   */
  call<K extends OperationName>(
    subject: Subject,
    name: K,
    queue: string,
    ...args: OperationArguments<K>
  ): Promise<OperationResult<K>> {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    if (this.#closing !== undefined) return Promise.reject(new ConnectionClosedError());
    return new Promise((resolve, reject) => {
      if (this.#gathered.length === 0) setImmediate(() => this.#send());
      this.#gathered.push([name, queue, ...args]);
      this.#pending.push({
        name,
        subject,
        // The thread's result has the type of the operation in the table of operations.
        resolve: (result) => resolve(result as OperationResult<K>),
        reject,
      });
      if (this.#pending.length === 1) this.#keepAlive();
    });
  }

  /** Resolves when all operations that were called before have been answered. */
  settled(): Promise<void> {
    return this.#pending.settled();
  }

  /** Returns the sequence number of changes to a queue's jobs or events. */
  changeSequence(kind: 'jobs' | 'events', queue: string): number {
    return this.#changeCounts.get(`${kind}:${queue}`) ?? 0;
  }

  /**
   * Calls `listener` once, at the next change, with the time from which a job is available (Unix
   * milliseconds; 0: now). Returns a function that removes the listener.
   */
  onChange(kind: 'jobs' | 'events', queue: string, listener: (from: number) => void): () => void {
    const event = `${kind}:${queue}`;
    this.once(event, listener);
    return () => this.off(event, listener);
  }

  setClient(client: object, name: string): void {
    this.#clients.set(client, name);
  }

  removeClient(client: object): void {
    this.#clients.delete(client);
  }

  get clients(): string[] {
    return [...this.#clients.values()];
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.ready.catch(() => {});
    if (this.#closedBy === undefined) {
      this.#send();
      const exited = new Promise<void>((resolve) => this.#thread.once('exit', () => resolve()));
      this.#keepAlive();
      this.#port.postMessage('close');
      await exited;
    }
    this.emit('close');
  }

  #send(): void {
    if (this.#gathered.length === 0) return;
    const calls = this.#gathered;
    this.#gathered = [];
    this.#port.postMessage(calls);
  }

  #onReply(reply: ThreadReply, opened: () => void, failed: (error: Error) => void): void {
    switch (reply.kind) {
      case 'opened':
        opened();
        this.#keepAlive();
        this.emit('ready');
        return;
      case 'unopened': {
        const error = new SqliteQueueError(reply.code, `${reply.message} (${this.path})`);
        this.#fail(error);
        failed(error);
        return;
      }
      case 'done':
        this.#pending.answerOldest(reply.outcomes);
        if (this.#pending.length === 0) this.#keepAlive();
        for (const [queue, from] of reply.wokenQueues) this.#announce(`jobs:${queue}`, from);
        for (const queue of reply.eventful) this.#announce(`events:${queue}`, 0);
        return;
      case 'closed':
        this.#port.close();
        return;
    }
  }

  #announce(event: string, from: number): void {
    this.#changeCounts.set(event, (this.#changeCounts.get(event) ?? 0) + 1);
    this.emit(event, from);
  }

  /** Keeps the process alive only while operations are pending. */
  #keepAlive(): void {
    if (this.#pending.length > 0 || this.#closing !== undefined) {
      this.#thread.ref();
      this.#port.ref();
    } else {
      this.#thread.unref();
      this.#port.unref();
    }
  }

  #fail(error: Error): void {
    this.#closedBy ??= error;
    this.#gathered = [];
    this.#pending.rejectAll(this.#closedBy);
    this.#port.close();
  }
}

function startThread(file: string, options: SqliteConnectionOptions, port: MessagePort): Worker {
  const { events = true, busyTimeoutMs = BUSY_TIMEOUT_MS, setup = null } = options;
  const lock = createCallLock();
  const thread = new Worker(new URL('./thread.js', import.meta.url), {
    workerData: { port, options: { file, events, busyTimeoutMs, setup }, lock } satisfies ThreadData,
    transferList: [port],
  });
  thread.once('exit', () => removeCallLock(lock));
  return thread;
}
