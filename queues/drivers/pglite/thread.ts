import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import type { FromDatabase, ToDatabase } from './protocol.js';

/**
 * The thread that Postgres runs in. PGlite is synchronous at heart: each statement, its fsync included, would hold up
 * the main thread, a large one for longer than BullMQ's locks allow.
 */
const port = parentPort;
if (port === null) throw new Error('This file is the body of a worker thread.');
const { dir, setup } = workerData as { dir: string; setup: string };

/** Postgres' own defaults are those of a server with a machine to itself: they took 130 MB more and were no faster here. */
const SETTINGS = ['shared_buffers=16MB', 'wal_buffers=512kB', 'max_connections=5', 'max_wal_senders=0'];

const say = (message: FromDatabase): void => port.postMessage(message);

async function query(
  db: PGlite,
  text: string,
  params: readonly unknown[] | undefined,
): Promise<FromDatabase> {
  // A statement without parameters may be several (migrations are), which only the simple protocol takes.
  if (params === undefined || params.length === 0) {
    const results = await db.exec(text);
    const last = results.at(-1);
    return { kind: 'result', id: 0, rows: last?.rows ?? [], rowCount: last?.affectedRows ?? 0 };
  }
  const result = await db.query(text, [...params]);
  return { kind: 'result', id: 0, rows: result.rows, rowCount: result.affectedRows ?? 0 };
}

function failure(id: number, error: unknown): FromDatabase {
  const { message, code, detail } = error as { message: string; code?: string; detail?: string };
  return { kind: 'error', id, message, code, detail };
}

try {
  const db = await PGlite.create(dir, { postgresqlconf: SETTINGS });
  await db.exec(setup);
  db.onNotification((channel, payload) => say({ kind: 'notification', channel, payload }));
  port.on('message', (message: ToDatabase) => {
    const { id } = message;
    if (message.kind === 'close') {
      void db.close().then(() => say({ kind: 'closed', id }));
      return;
    }
    query(db, message.text, message.params).then(
      (result) => say({ ...result, id } as FromDatabase),
      (error: unknown) => say(failure(id, error)),
    );
  });
  say({ kind: 'ready' });
} catch (error) {
  say({ kind: 'failed', message: (error as Error).message });
}
