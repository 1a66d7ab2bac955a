import type Database from 'libsql';

export type SqlValue = string | number | null;

interface PreparedStatement {
  statement: Database.Statement;
  writes: boolean;
}

/**
 * Prepared statements and per-transaction state of the database file, used only by the thread that
 * owns the file. The caches are valid until another process writes; `begin` checks that.
 */
export class Store {
  readonly database: Database.Database;
  /** Whether operations append to event streams. */
  readonly keepsEvents: boolean;
  /**
   * The number of write statements in this transaction. An operation that fails before its first
   * write needs no rollback.
   */
  writes = 0;
  /**
   * The queues in which this transaction has made a job available, and from when (Unix
   * milliseconds; 0: now).
   */
  readonly wokenQueues = new Map<string, number>();
  /** The queues to whose event stream this transaction has appended. */
  readonly eventful = new Set<string>();
  readonly #prepared = new Map<string, PreparedStatement>();
  readonly #queues = new Map<string, QueueState>();
  #counters: { seq: number; event: number } | undefined;
  #countersChanged = false;
  #dataVersion: number | undefined;

  constructor(database: Database.Database, keepsEvents: boolean) {
    this.database = database;
    this.keepsEvents = keepsEvents;
  }

  row<R extends readonly unknown[]>(sql: string, ...values: SqlValue[]): R | undefined {
    return this.#prepare(sql).get(checked(values)) as R | undefined;
  }

  rows<R extends readonly unknown[]>(sql: string, ...values: SqlValue[]): R[] {
    return this.#prepare(sql).all(checked(values)) as R[];
  }

  /** Runs a statement. Returns the number of changed rows. */
  run(sql: string, ...values: SqlValue[]): number {
    return this.#prepare(sql).run(checked(values)).changes;
  }

  exec(sql: string): void {
    this.database.exec(sql);
  }

  queue(name: string): QueueState {
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      const known =
        this.row<[number]>('SELECT id FROM queue WHERE name = ?', name) ??
        this.row<[number]>('INSERT INTO queue (name) VALUES (?) RETURNING id', name);
      if (known === undefined) throw new Error(`The queue ${name} could not be registered.`);
      queue = new QueueState(this, known[0], name);
      this.#queues.set(name, queue);
    }
    return queue;
  }

  /** Returns the next number in the order of arrival, which spans all queues. */
  nextSeq(): number {
    this.#countersChanged = true;
    return ++this.#readCounters().seq;
  }

  nextEventId(): number {
    this.#countersChanged = true;
    return ++this.#readCounters().event;
  }

  begin(): void {
    this.#prepare('BEGIN IMMEDIATE').run([]);
    this.writes = 0;
    this.wokenQueues.clear();
    this.eventful.clear();
    const version = this.row<[number]>('PRAGMA data_version')?.[0];
    if (version !== this.#dataVersion) this.#forget();
    this.#dataVersion = version;
  }

  commit(): void {
    if (this.#countersChanged) {
      const { seq, event } = this.#readCounters();
      this.run('UPDATE counter SET seq = ?, event = ?', seq, event);
      this.#countersChanged = false;
    }
    this.#prepare('COMMIT').run([]);
  }

  rollback(): void {
    this.#forget();
    // SQLite may have rolled back already, for example when the disk is full.
    if (this.database.inTransaction) this.exec('ROLLBACK');
  }

  /** Runs one operation in a savepoint, so that its failure rolls back only this operation. */
  atomically<T>(work: () => T): T {
    this.#prepare('SAVEPOINT operation').run([]);
    try {
      const result = work();
      this.#prepare('RELEASE operation').run([]);
      return result;
    } catch (error) {
      // The counters are not rolled back: numbers that earlier operations received must not be
      // issued again, and gaps are harmless.
      this.#queues.clear();
      if (this.database.inTransaction) this.exec('ROLLBACK TO operation; RELEASE operation');
      throw error;
    }
  }

  /** Drops caches that another process or a rollback has invalidated. */
  #forget(): void {
    this.#queues.clear();
    this.#counters = undefined;
    this.#countersChanged = false;
  }

  #readCounters(): { seq: number; event: number } {
    if (this.#counters === undefined) {
      const [seq = 0, event = 0] = this.row<[number, number]>('SELECT seq, event FROM counter') ?? [];
      this.#counters = { seq, event };
    }
    return this.#counters;
  }

  #prepare(sql: string): Database.Statement {
    let prepared = this.#prepared.get(sql);
    if (prepared === undefined) {
      const statement = this.database.prepare(sql);
      if (statement.reader) statement.raw();
      prepared = { statement, writes: /^\s*(?:INSERT|UPDATE|DELETE)/.test(sql) };
      this.#prepared.set(sql, prepared);
    }
    if (prepared.writes) this.writes++;
    return prepared.statement;
  }
}

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

/**
 * Replaces NUL in texts: libsql ends a text at the first NUL when it reads it. JSON escapes NUL,
 * but names and messages may contain it.
 */
const SYMBOL_FOR_NUL = '\u2400';

/** Checks parameters: libsql aborts the process when a value is not a text, number or null. */
function checked(values: SqlValue[]): SqlValue[] {
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (typeof value === 'string') {
      if (value.includes('\0')) values[at] = value.replaceAll('\0', SYMBOL_FOR_NUL);
    } else if (typeof value !== 'number' && value !== null)
      throw new TypeError(`A ${typeof value} cannot be bound to a statement.`);
  }
  return values;
}
