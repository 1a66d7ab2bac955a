import { EventEmitter } from 'node:events';
import type { IQueueBackend, KeysMap, QueueBaseOptions, StreamReadRaw, WorkerOptions } from 'bullmq';
import type { SqliteConnection } from './connection.js';
import { SqliteQueueError, type Subject } from './errors.js';
import type { OperationArguments, OperationName, OperationResult } from './protocol.js';

type WaitSeconds = Parameters<IQueueBackend['waitForJob']>[0];
/** A marker with score 0 means: look for jobs now; null: nothing came in time. */
type MarkerOrNull = Awaited<ReturnType<IQueueBackend['waitForJob']>>;

const DEFAULT_EVENT_WAIT_MS = 5000;
/** The interval at which a worker retries a failed operation, in milliseconds. */
const RETRY_MS = 250;
/** An error that persists is reported again after this time, in milliseconds. */
const REPORT_AGAIN_MS = 10_000;

/** How a backend is used. */
export interface BackendRole {
  /**
   * Whether the backend opened its connection itself; the last backend that shares it then closes
   * the file.
   */
  ownsConnection: boolean;
  /** The name that `getClientList` reports for this client. */
  clientName?: string;
  /**
   * Whether operations wait while the database fails, mostly because of a full disk, as a worker
   * waits for a lost Redis. If an operation of a worker rejected, BullMQ would count it as a
   * failure of the job, and use up an attempt or end it.
   */
  waitsOutFaults?: boolean;
}

/**
 * The part of the backend that covers its identity, its shutdown, and waiting for jobs and events.
 */
export class SqliteBackendLifecycle extends EventEmitter {
  closing: Promise<void> | undefined;
  readonly keys: KeysMap = {};
  readonly minimumBlockTimeout = 0.001;
  protected readonly connection: SqliteConnection;
  protected readonly queueName: string;
  protected readonly opts: QueueBaseOptions<unknown> & Partial<WorkerOptions>;
  readonly #role: BackendRole;
  #reportedAt = Number.NEGATIVE_INFINITY;
  /**
   * The job sequence number of the queue when it was last found empty. A newer number means that it
   * is worth another look.
   */
  #emptyAsOf: number | undefined;
  #cancelWait: (() => void) | undefined;
  #cancelEventWait: (() => void) | undefined;
  #blockingDisconnected = false;

  constructor(
    connection: SqliteConnection,
    queueName: string,
    opts: QueueBaseOptions<unknown>,
    role: BackendRole,
  ) {
    super();
    this.connection = connection;
    this.queueName = queueName;
    this.opts = opts as QueueBaseOptions<unknown> & Partial<WorkerOptions>;
    this.#role = role;
    connection.ready.then(
      () => this.emit('ready'),
      (error: unknown) => {
        // Without a listener, an `error` event would end the process. `waitUntilReady` rejects in
        // any case.
        if (this.listenerCount('error') > 0) this.emit('error', error);
      },
    );
  }

  async waitUntilReady(): Promise<void> {
    await this.connection.ready;
    const { clientName } = this.#role;
    if (clientName !== undefined && this.closing === undefined) await this.setName(clientName);
  }

  close(_force = false): Promise<void> {
    this.closing ??= this.#close();
    return this.closing;
  }

  async #close(): Promise<void> {
    this.#cancelWaits();
    this.connection.removeClient(this);
    if (this.#role.ownsConnection) await this.connection.release();
    this.emit('close');
  }

  /** Interrupts pending waits. The file stays open for other clients. */
  async disconnect(): Promise<void> {
    this.#cancelWaits();
  }

  #cancelWaits(): void {
    this.#cancelWait?.();
    this.#cancelEventWait?.();
  }

  async setName(name: string): Promise<void> {
    this.connection.setClient(this, name);
  }

  async getClientList(): Promise<string[]> {
    return [this.connection.clients.map((name) => `name=${name}`).join('\n')];
  }

  get qualifiedName(): string {
    return this.queueName;
  }

  toKey(type: string): string {
    return `${this.queueName}:${type}`;
  }

  parseNodeKey(key: string): { prefix: string; queueName: string; id: string } {
    const at = key.indexOf(':');
    return { prefix: '', queueName: key.slice(0, at), id: key.slice(at + 1) };
  }

  clientName(suffix = ''): string {
    return `${this.queueName}${suffix}`;
  }

  /**
   * Runs an operation on this queue.
   *
   * @param subject Names the job in the error message of a refusal.
   */
  protected async call<K extends OperationName>(
    name: K,
    subject: Partial<Subject>,
    ...args: OperationArguments<K>
  ): Promise<OperationResult<K>> {
    for (;;) {
      try {
        return await this.connection.call({ command: name, ...subject }, name, this.queueName, ...args);
      } catch (error) {
        if (!(error instanceof SqliteQueueError)) throw error;
        this.#report(error);
        if (this.#role.waitsOutFaults !== true || this.closing !== undefined) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  #report(error: Error): void {
    const now = performance.now();
    if (now - this.#reportedAt < REPORT_AGAIN_MS || this.listenerCount('error') === 0) return;
    this.#reportedAt = now;
    this.emit('error', error);
  }

  /**
   * The job sequence number. Read it before asking for jobs, and pass it to `foundEmpty` if there
   * was none.
   */
  protected get jobChangeSequence(): number {
    return this.connection.changeSequence('jobs', this.queueName);
  }

  protected foundEmpty(asOf: number): void {
    this.#emptyAsOf = asOf;
  }

  async waitForJob(seconds: WaitSeconds): Promise<MarkerOrNull> {
    const found: MarkerOrNull = { member: this.queueName, score: 0 };
    if (this.#isCut()) return null;
    if (this.#emptyAsOf === undefined) {
      const asOf = this.jobChangeSequence;
      const { ready, nextDelayed } = await this.call('peek', {});
      if (this.#isCut()) return null;
      if (ready || (nextDelayed !== null && nextDelayed <= Date.now())) return found;
      this.#emptyAsOf = asOf;
    }
    if (this.jobChangeSequence !== this.#emptyAsOf) return found;
    return new Promise((resolve) => {
      const finish = (marker: MarkerOrNull): void => {
        clearTimeout(timer);
        forget();
        this.#cancelWait = undefined;
        resolve(marker);
      };
      const forget = this.connection.onChange('jobs', this.queueName, (from) =>
        finish({ ...found, score: from }),
      );
      const timer = setTimeout(() => finish(null), Math.max(0, seconds) * 1000);
      this.#cancelWait = () => finish(null);
    });
  }

  #isCut(): boolean {
    return this.closing !== undefined || this.#blockingDisconnected || this.connection.isClosing;
  }

  async disconnectBlocking(_wait = true): Promise<void> {
    this.#blockingDisconnected = true;
    this.#cancelWait?.();
  }

  async reconnectBlocking(): Promise<void> {
    this.#blockingDisconnected = false;
    this.#emptyAsOf = undefined;
  }

  async publishEvent(fields: Record<string, string | number>, _maxEvents: number): Promise<string> {
    const { event, ...rest } = fields;
    return this.call('publishEvent', {}, String(event), rest);
  }

  async trimEvents(maxLength: number): Promise<number> {
    return this.call('trimEvents', {}, maxLength);
  }

  /**
   * Reads the events after `id` (`$`: from now on), in the shape of a Redis stream read. Waits up
   * to `waitMs` for one; resolves with null when none arrives.
   */
  async readEvents(id: string, waitMs: number): Promise<StreamReadRaw> {
    if (this.closing !== undefined || this.connection.isClosing) return null;
    const asOf = this.connection.changeSequence('events', this.queueName);
    const after = id === '$' ? await this.call('lastEventId', {}) : Number.parseInt(id, 10) || 0;
    let events = id === '$' ? [] : await this.call('readEvents', {}, after);
    if (events.length === 0) {
      await this.#waitForEvent(asOf, waitMs || DEFAULT_EVENT_WAIT_MS);
      if (this.closing !== undefined || this.connection.isClosing) return null;
      events = await this.call('readEvents', {}, after);
    }
    if (events.length === 0) return null;
    const entries = events.map(([eventId, name, data]): [string, string[]] => {
      const fields = Object.entries(JSON.parse(data) as Record<string, string | number>);
      return [String(eventId), ['event', name, ...fields.flatMap(([key, value]) => [key, String(value)])]];
    });
    return [['events', entries]];
  }

  #waitForEvent(asOf: number, waitMs: number): Promise<void> {
    if (this.connection.changeSequence('events', this.queueName) !== asOf) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        forget();
        this.#cancelEventWait = undefined;
        resolve();
      };
      const forget = this.connection.onChange('events', this.queueName, finish);
      const timer = setTimeout(finish, waitMs);
      this.#cancelEventWait = finish;
    });
  }
}
