import type { Store } from './store.js';

/** One queue within the current transaction, with what is read of it again and again. */
export class QueueState {
  readonly store: Store;
  /** The queue's number in the file. */
  readonly id: number;
  readonly name: string;
  #meta: Map<string, string> | undefined;
  /** No delayed job is due before this; undefined when that is not known. */
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

  /** When the first delayed job is due, or sooner; Infinity when there is none. */
  get delayedFrom(): number {
    this.#delayedFrom ??=
      this.store.row<[number | null]>(
        'SELECT min(score) FROM job WHERE queue = ? AND state = 2',
        this.id,
      )?.[0] ?? Number.POSITIVE_INFINITY;
    return this.#delayedFrom;
  }

  /** A job was delayed until then. */
  delayed(until: number): void {
    if (this.#delayedFrom !== undefined && until < this.#delayedFrom) this.#delayedFrom = until;
  }

  /** Delayed jobs may have left: the first due time is to be read again. */
  delayedLeft(): void {
    this.#delayedFrom = undefined;
  }

  /**
   * Tells waiting workers, once the transaction is durable, that there is a job, now or from a time
   * on.
   */
  wake(from = 0): void {
    const { awakened } = this.store;
    awakened.set(this.name, Math.min(from, awakened.get(this.name) ?? from));
  }

  /** After what held jobs back was lifted. */
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
