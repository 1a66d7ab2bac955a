import type { Store } from './store.js';

/** One queue, as used within a transaction, with a cache of what operations read repeatedly. */
export class QueueState {
  readonly store: Store;
  /** The queue's primary key in the database. */
  readonly id: number;
  readonly name: string;
  #meta: Map<string, string> | undefined;
  /** A lower bound of the due times of delayed jobs; undefined when unknown. */
  #delayedFrom: number | undefined;

  constructor(store: Store, id: number, name: string) {
    this.store = store;
    this.id = id;
    this.name = name;
  }

  get meta(): ReadonlyMap<string, string> {
    this.#meta ??= new Map(
      this.store.rows<[string, string]>('SELECT field, value FROM meta WHERE queue = ?', this.id),
    );
    return this.#meta;
  }

  metaNumber(field: string): number | undefined {
    const value = this.meta.get(field);
    return value === undefined ? undefined : Number(value);
  }

  setMeta(field: string, value: string): void {
    this.store.run(
      'INSERT OR REPLACE INTO meta (queue, field, value) VALUES (?, ?, ?)',
      this.id,
      field,
      value,
    );
    this.#meta = undefined;
  }

  removeMeta(field: string): number {
    this.#meta = undefined;
    return this.store.run('DELETE FROM meta WHERE queue = ? AND field = ?', this.id, field);
  }

  get isPaused(): boolean {
    return this.meta.get('paused') === '1';
  }

  /**
   * A lower bound of the time when the first delayed job is due, in Unix milliseconds; Infinity
   * when there is none.
   */
  get delayedFrom(): number {
    this.#delayedFrom ??=
      this.store.row<[number | null]>(
        'SELECT min(score) FROM job WHERE queue = ? AND state = 2',
        this.id,
      )?.[0] ?? Number.POSITIVE_INFINITY;
    return this.#delayedFrom;
  }

  /** Records that a job was delayed until then. */
  delayed(until: number): void {
    if (this.#delayedFrom !== undefined && until < this.#delayedFrom) this.#delayedFrom = until;
  }

  /** Records that delayed jobs may have left: the first due time must be read again. */
  delayedLeft(): void {
    this.#delayedFrom = undefined;
  }

  /**
   * Wakes waiting workers, once the transaction is durable, because a job is available from the
   * given time (Unix milliseconds; 0: now).
   */
  wake(from = 0): void {
    const { wokenQueues } = this.store;
    wokenQueues.set(this.name, Math.min(from, wokenQueues.get(this.name) ?? from));
  }

  /** Wakes waiting workers when jobs wait; called after a pause or limit was lifted. */
  wakeIfWaiting(): void {
    const waiting = this.store.row('SELECT 1 FROM job WHERE queue = ? AND state = 0 LIMIT 1', this.id);
    if (waiting !== undefined) this.wake();
  }

  nextJobId(): string {
    const row = this.store.row<[number]>(
      'UPDATE queue SET last_job_id = last_job_id + 1 WHERE id = ? RETURNING last_job_id',
      this.id,
    );
    return String(row?.[0]);
  }
}
