import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Namespace } from '../../../src/contract/ids.js';
import { AppError } from '../../../src/errors.js';
import type { Executor } from '../executor.js';
import { LostRequest, SqlitePool } from './sqlite-pool.js';
import type { ChildReply } from './sqlite-protocol.js';

export interface SqliteExecutorOptions {
  /** Holds one file per namespace; made when absent. */
  directory: string;
  maxChildren?: number;
}

const UNAVAILABLE: readonly (readonly [code: string, sentence: string])[] = [
  ['SQLITE_FULL', 'The disk that holds the functions’ databases is full; free some space and try again.'],
  ['SQLITE_IOERR', 'The database file of this namespace cannot be read or written; check its disk.'],
  ['SQLITE_CANTOPEN', 'The database file of this namespace cannot be opened; check the data directory.'],
  ['SQLITE_CORRUPT', 'The database file of this namespace is damaged; restore it from a backup.'],
  ['SQLITE_NOTADB', 'The database file of this namespace is no database; restore it from a backup.'],
  ['SQLITE_BUSY', 'The database of this namespace is locked by another statement for too long; try again.'],
];

export async function openSqliteExecutor(options: SqliteExecutorOptions): Promise<Executor> {
  const { directory, maxChildren = 16 } = options;
  await mkdir(directory, { recursive: true });
  const pool = new SqlitePool({
    children: maxChildren,
    perFile: Math.max(1, Math.ceil(maxChildren / 4)),
    idleMs: 30_000,
  });
  let closing: Promise<void> | undefined;

  return {
    driver: 'sqlite',
    async run(namespace, operations, { timeoutMs, signal }) {
      const request = { file: join(directory, fileName(namespace)), operations };
      const reply = await pool.run(request, timeoutMs, signal).catch((error: unknown) => {
        throw lossError(error, timeoutMs);
      });
      if (reply.kind === 'done') return reply.outcomes;
      throw replyError(reply, operations.length);
    },
    async ping() {
      await access(directory, constants.W_OK).catch((cause: unknown) => {
        throw new AppError('unavailable', 'The directory of the functions’ databases is not writable.', {
          cause,
        });
      });
    },
    close() {
      closing ??= pool.close();
      return closing;
    },
  };
}

/** Some file systems do not tell A from a, and two namespaces must never share a file. */
function fileName(namespace: Namespace): string {
  return `${namespace.replace(/[A-Z]/g, (letter) => `+${letter.toLowerCase()}`)}.sqlite`;
}

function replyError(reply: Extract<ChildReply, { kind: 'failed' }>, operations: number): AppError {
  const away = UNAVAILABLE.find(([code]) => reply.code.startsWith(code));
  if (away !== undefined) return new AppError('unavailable', away[1]);
  const where = operations > 1 ? `Operation ${reply.at + 1}: ` : '';
  return new AppError('invalid_sql', `${where}${sentence(reply)}.`);
}

function sentence({ code, message }: { code: string; message: string }): string {
  if (code === 'RESULT_TOO_LARGE') return 'the result is larger than 8 MB; select fewer rows or columns';
  if (code === 'SQLITE_NOMEM') return 'the statement needs more than 256 MB of memory';
  if (code === 'SQLITE_READONLY') return 'a query only reads; use execute to write';
  return message;
}

function lossError(error: unknown, timeoutMs: number): AppError {
  if (!(error instanceof LostRequest))
    return new AppError('internal', "The functions’ database failed; the engine's log has the details.", {
      cause: error,
    });
  switch (error.loss) {
    case 'deadline':
      return new AppError('unavailable', `The statement was stopped: it did not end within ${timeoutMs} ms.`);
    case 'aborted':
      return new AppError('unavailable', 'The statement was stopped: its invocation has ended.');
    case 'crashed':
      return new AppError(
        'invalid_sql',
        'The statement crashed the database process; a text in its result may be no valid UTF-8: select hex() of it.',
      );
    case 'killed':
      return new AppError('unavailable', 'The process that ran the statement was killed; try again.');
    case 'closed':
      return new AppError('unavailable', 'The functions’ databases are closed.');
  }
}
