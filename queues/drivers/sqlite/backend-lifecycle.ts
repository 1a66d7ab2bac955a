import { EventEmitter } from 'node:events';
import type { IQueueBackend, KeysMap, QueueBaseOptions, StreamReadRaw, WorkerOptions } from 'bullmq';
import type { SqliteConnection } from './connection.js';
import { SqliteQueueError, type Subject } from './errors.js';
import type { OperationArguments, OperationName, OperationResult } from './protocol.js';

type Waiting = Parameters<IQueueBackend['waitForJob']>[0];
/** A marker whose score is 0 says: look now. */
type Marker = Awaited<ReturnType<IQueueBackend['waitForJob']>>;

const DEFAULT_EVENT_WAIT_MS = 5000;
/** A worker looks so often whether the database works again. */
const RETRY_MS = 250;
/** A fault that lasts is reported again after so long. */
const REPORT_AGAIN_MS = 10_000;

/** What a backend is made for. */
export interface BackendRole {
  /** Its connection is its own: the last of those who share it closes the file. */
  ownsConnection: boolean;
  /** The name under which it can be found. */
  clientName?: string;
  /**
   * A worker's operations wait while the database cannot do them (a full disk, mostly), as they
   * wait for a lost Redis. For BullMQ an error of theirs would be a failure of the job, and use up
   * an attempt or end it.
   */
  waitsOutFaults?: boolean;
}

/** A queue's part of a connection: its identity, its end, and waiting for its jobs and events. */
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
   * News of jobs when the queue was last found to be empty; what came after it is worth another
   * look.
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
        // Without a listener it would end the process; whoever awaits readiness is told in any
        // case.
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

  /** Interrupts what waits. The file stays open for the others. */
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

  /** Runs an operation on this queue. What `subject` says is for the sentence of a refusal. */
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

  /** To be noted before jobs are asked for, and given to `foundEmpty` when there was none. */
  protected get newsOfJobs(): number {
    return this.connection.newsOf('jobs', this.queueName);
  }

  protected foundEmpty(asOf: number): void {
    this.#emptyAsOf = asOf;
  }

  async waitForJob(seconds: Waiting): Promise<Marker> {
    const found: Marker = { member: this.queueName, score: 0 };
    if (this.#isCut()) return null;
    if (this.#emptyAsOf === undefined) {
      const asOf = this.newsOfJobs;
      const { ready, nextDelayed } = await this.call('peek', {});
      if (this.#isCut()) return null;
      if (ready || (nextDelayed !== null && nextDelayed <= Date.now())) return found;
      this.#emptyAsOf = asOf;
    }
    if (this.newsOfJobs !== this.#emptyAsOf) return found;
    return new Promise((resolve) => {
      const finish = (marker: Marker): void => {
        clearTimeout(timer);
        forget();
        this.#cancelWait = undefined;
        resolve(marker);
      };
      const forget = this.connection.onNews('jobs', this.queueName, (from) =>
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
   * Events after one (`$`: after now), in the shape of a Redis stream; nothing when none comes in
   * time.
   */
  async readEvents(id: string, waitMs: number): Promise<StreamReadRaw> {
    // BullMQ's type leaves out the null of Redis, and what a stream read is without RESP3.
    const none = null as unknown as StreamReadRaw;
    if (this.closing !== undefined || this.connection.isClosing) return none;
    const asOf = this.connection.newsOf('events', this.queueName);
    const after = id === '$' ? await this.call('lastEventId', {}) : Number.parseInt(id, 10) || 0;
    let events = id === '$' ? [] : await this.call('readEvents', {}, after);
    if (events.length === 0) {
      await this.#waitForEvent(asOf, waitMs || DEFAULT_EVENT_WAIT_MS);
      if (this.closing !== undefined || this.connection.isClosing) return none;
      events = await this.call('readEvents', {}, after);
    }
    if (events.length === 0) return none;
    const entries = events.map(([eventId, name, data]): [string, string[]] => {
      const fields = Object.entries(JSON.parse(data) as Record<string, string | number>);
      return [String(eventId), ['event', name, ...fields.flatMap(([key, value]) => [key, String(value)])]];
    });
    return [['events', entries]] as unknown as StreamReadRaw;
  }

  #waitForEvent(asOf: number, waitMs: number): Promise<void> {
    if (this.connection.newsOf('events', this.queueName) !== asOf) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        forget();
        this.#cancelEventWait = undefined;
        resolve();
      };
      const forget = this.connection.onNews('events', this.queueName, finish);
      const timer = setTimeout(finish, waitMs);
      this.#cancelEventWait = finish;
    });
  }
}
