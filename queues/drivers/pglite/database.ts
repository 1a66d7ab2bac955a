import { execFile } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { access, chmod, cp, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { LATEST_SCHEMA_VERSION, type PgPool, type PgPoolClient, type PgQueryResult } from 'bullmq';
import { AppError } from '../../../src/errors.js';
import type { FromDatabase, ToDatabase } from './protocol.js';
import { SETUP } from './schema.js';

interface Pending {
  resolve: (result: PgQueryResult) => void;
  reject: (error: Error) => void;
}

/**
 * Postgres on a directory of which this process is the only user (two would corrupt it silently: take the data
 * directory's lock first), in a thread of its own.
 *
 * It looks like a `pg.Pool` to BullMQ, though there is one connection behind it. That is enough because every
 * operation of BullMQ is one statement; nothing here opens a transaction over several.
 */
export class PgliteDatabase extends EventEmitter implements PgPool {
  readonly #thread: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #clients = new Set<PgliteClient>();
  #lastId = 0;
  #closing: Promise<void> | undefined;
  #gone: Error | undefined;

  private constructor(thread: Worker) {
    super();
    // Each of BullMQ's queues and workers listens for errors.
    this.setMaxListeners(0);
    this.#thread = thread;
    thread.on('message', (message: FromDatabase) => this.#onMessage(message));
    thread.on('error', (error) => this.#fail(error));
    thread.on('exit', () => this.#fail(new Error('The database of the queue is closed.')));
  }

  static async open(dir: string): Promise<PgliteDatabase> {
    await finishCreation(dir);
    if (!(await exists(join(dir, 'PG_VERSION')))) await create(dir);
    const database = await PgliteDatabase.#start(dir);
    const { rows } = await database.query<{ version: number }>(
      'SELECT max(version) AS version FROM migration',
    );
    if (rows[0]?.version === LATEST_SCHEMA_VERSION) return database;
    await database.end();
    await run(dir);
    return PgliteDatabase.#start(dir);
  }

  static async #start(dir: string): Promise<PgliteDatabase> {
    const thread = new Worker(new URL('./thread.js', import.meta.url), { workerData: { dir, setup: SETUP } });
    const [first] = (await once(thread, 'message')) as [FromDatabase];
    if (first.kind === 'failed') {
      await thread.terminate();
      throw unusable(dir, new Error(first.message));
    }
    return new PgliteDatabase(thread);
  }

  query<R = unknown>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<R>> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve: resolve as Pending['resolve'], reject });
      this.#say({ kind: 'query', id, text, params });
    });
  }

  async connect(): Promise<PgPoolClient> {
    const client = new PgliteClient(this, () => this.#clients.delete(client));
    this.#clients.add(client);
    return client;
  }

  end(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#gone === undefined) {
      await new Promise<unknown>((resolve, reject) => {
        const id = ++this.#lastId;
        this.#pending.set(id, { resolve, reject });
        this.#say({ kind: 'close', id });
      });
    }
    await this.#thread.terminate();
  }

  #say(message: ToDatabase): void {
    this.#thread.postMessage(message);
  }

  #onMessage(message: FromDatabase): void {
    switch (message.kind) {
      case 'ready':
      case 'failed':
        return;
      case 'notification':
        for (const client of this.#clients) client.emit('notification', message);
        return;
      case 'result':
        this.#settle(message.id)?.resolve({ rows: message.rows, rowCount: message.rowCount });
        return;
      case 'closed':
        this.#settle(message.id)?.resolve({ rows: [] });
        return;
      case 'error': {
        const { code, detail } = message;
        // BullMQ reads its own error codes from these two.
        this.#settle(message.id)?.reject(Object.assign(new Error(message.message), { code, detail }));
      }
    }
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #fail(error: Error): void {
    this.#gone ??= error;
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }
}

/** What `connect` hands out: for BullMQ's LISTEN, which gets every notification. */
class PgliteClient extends EventEmitter implements PgPoolClient {
  readonly #database: PgliteDatabase;
  readonly #released: () => void;

  constructor(database: PgliteDatabase, released: () => void) {
    super();
    this.setMaxListeners(0);
    this.#database = database;
    this.#released = released;
  }

  query<R = unknown>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<R>> {
    return this.#database.query<R>(text, params);
  }

  release(): void {
    this.#released();
  }
}

/**
 * Made by the build, so that a first start copies 40 MB instead of taking seconds and 760 MB to make them. What an
 * older build has made is brought up to date like any other database.
 */
const TEMPLATE = fileURLToPath(new URL('./template', import.meta.url));

/** A half-made database is never taken for a whole one: it gets its name when it is done. */
async function create(dir: string): Promise<void> {
  const making = `${dir}.making`;
  await mkdir(dirname(dir), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw unusable(dir, error);
  });
  if (await exists(join(TEMPLATE, 'PG_VERSION'))) await copy(TEMPLATE, making);
  else await run(making);
  await rename(making, dir);
}

async function copy(from: string, to: string): Promise<void> {
  try {
    await cp(from, to, { recursive: true });
    // Postgres insists on it.
    await chmod(to, 0o700);
  } catch (error) {
    throw unusable(to, error);
  }
}

async function finishCreation(dir: string): Promise<void> {
  await rm(`${dir}.making`, { recursive: true, force: true }).catch((error: unknown) => {
    throw unusable(dir, error);
  });
}

async function run(dir: string): Promise<void> {
  const script = fileURLToPath(new URL('./create.js', import.meta.url));
  try {
    await promisify(execFile)(process.execPath, [script, dir]);
  } catch (error) {
    throw unusable(dir, error);
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function unusable(dir: string, cause: unknown): AppError {
  return new AppError(
    'bad_config',
    `The queue's database in ${dir} cannot be opened; see that the directory is writable and its disk not full.`,
    { cause },
  );
}
