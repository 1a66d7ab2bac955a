import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Namespace } from '../../../src/contract/ids.js';
import { MB } from '../../../src/contract/limits.js';
import { quotaExceeded } from '../../../src/contract/quotas.js';
import { AppError, messageOf } from '../../../src/errors.js';
import { fileReason } from '../../../src/files/file-reason.js';
import { nodeErrorCode } from '../../../src/node-error-code.js';
import type { Executor } from '../executor.js';
import { tooLarge } from '../rows.js';
import { SQLITE } from './sqlite-errors.js';
import { SqlitePool } from './sqlite-pool.js';
import { type ChildReply, MAX_STATEMENT_MB } from './sqlite-protocol.js';
import { RejectedRequest } from './sqlite-rejection.js';

type ChildFailure = Extract<ChildReply, { kind: 'failed' }>;

export interface SqliteExecutorOptions {
  /** The directory with one file per namespace; created when absent. */
  directory: string;
  maxChildren?: number;
}

/** Errors that are not caused by the statement, by SQLite's primary result code. */
const UNAVAILABLE: ReadonlyMap<ChildFailure['code'], string> = new Map<ChildFailure['code'], string>([
  [SQLITE.busy, 'The database of this namespace is locked by another statement for too long; try again.'],
  [SQLITE.ioError, 'The database file of this namespace cannot be read or written; check its disk.'],
  [SQLITE.corrupt, 'The database file of this namespace is damaged; restore it from a backup.'],
  [SQLITE.full, 'The disk that holds the functions’ databases is full; free some space and try again.'],
  [SQLITE.cannotOpen, 'The database file of this namespace cannot be opened; check the data directory.'],
  [
    'LOG_FULL',
    'A query that has been running for long keeps recent writes of this namespace from being stored in its database file; nothing was written, try again when the query has ended.',
  ],
  [SQLITE.notADatabase, 'The database file of this namespace is no database; restore it from a backup.'],
]);

/** Opens the functions' databases as SQLite files, which child processes access. */
export async function openSqliteExecutor(options: SqliteExecutorOptions): Promise<Executor> {
  const { directory, maxChildren = 16 } = options;
  await mkdir(directory, { recursive: true }).catch((cause: unknown) => {
    const sentence = `The directory of the functions’ databases, ${directory}, cannot be created: ${fileReason(cause)}.`;
    throw new AppError('bad_config', sentence, { cause });
  });
  const pool = new SqlitePool({
    children: maxChildren,
    perFile: Math.max(1, Math.ceil(maxChildren / 4)),
    idleMs: 30_000,
  });
  const fileOf = (namespace: Namespace) => join(directory, fileName(namespace));
  let closing: Promise<void> | undefined;

  return {
    limitsBytes: true,
    async run(namespace, operations, { timeoutMs, signal, maxDatabaseBytes }) {
      const request = {
        file: fileOf(namespace),
        operations,
        ...(maxDatabaseBytes === undefined ? {} : { maxBytes: maxDatabaseBytes }),
      };
      const reply = await pool.run(request, timeoutMs, signal).catch((error: unknown) => {
        throw rejectionError(error, timeoutMs);
      });
      if (reply.kind === 'done') return reply.outcomes;
      if (reply.code === 'OVER_LIMIT') throw overLimit(namespace, Number(reply.message), maxDatabaseBytes);
      throw replyError(reply, operations.length);
    },
    async bytes(namespace) {
      // Recent writes are in the WAL until a checkpoint.
      const sizes = await Promise.all(['', '-wal'].map((suffix) => sizeOf(`${fileOf(namespace)}${suffix}`)));
      return sizes.reduce((sum, size) => sum + size, 0);
    },
    async ping() {
      await access(directory, constants.W_OK).catch((cause: unknown) => {
        const sentence = `The directory of the functions’ databases cannot be written: ${fileReason(cause)}.`;
        throw new AppError('unavailable', sentence, { cause });
      });
    },
    close() {
      closing ??= pool.close();
      return closing;
    },
  };
}

async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch((cause: unknown) => {
    if (nodeErrorCode(cause) === 'ENOENT') return null;
    throw new AppError('unavailable', 'The size of the database of this namespace cannot be read.', {
      cause,
    });
  });
  return found?.size ?? 0;
}

/**
 * Returns the file name of a namespace. Some file systems are case-insensitive, and two namespaces
 * must never share a file.
 */
function fileName(namespace: Namespace): string {
  return `${namespace.replace(/[A-Z]/g, (letter) => `+${letter.toLowerCase()}`)}.sqlite`;
}

function overLimit(namespace: Namespace, usedBytes: number, maxBytes = 0): AppError {
  return quotaExceeded('database_mb', { namespace, limit: maxBytes / MB, used: usedBytes / MB });
}

function replyError(reply: ChildFailure, operations: number): AppError {
  const message = UNAVAILABLE.get(reply.code);
  if (message !== undefined) return new AppError('unavailable', message);
  const where = operations > 1 ? `Operation ${reply.at + 1}: ` : '';
  return new AppError('invalid_sql', `${where}${sentence(reply, operations > 1)}.`);
}

function sentence({ code, message }: ChildFailure, several: boolean): string {
  switch (code) {
    case 'TOO_LARGE':
      return tooLarge(several);
    case SQLITE.noMemory:
      return OUT_OF_MEMORY;
    case SQLITE.tooBig:
      return 'a text, a blob or a row is larger than 64 MB';
    case SQLITE.readOnly:
      return 'a query only reads; use execute to write';
    default:
      return message;
  }
}

const OUT_OF_MEMORY = `the statement needs more than ${MAX_STATEMENT_MB} MB of memory; sort or group fewer rows`;

function rejectionError(error: unknown, timeoutMs: number): AppError {
  if (!(error instanceof RejectedRequest))
    return new AppError('internal', "The functions’ database failed; the engine's log has the details.", {
      cause: error,
    });
  if (error.inDoubt)
    return new AppError(
      'ambiguous_write',
      'The process that ran the statement ended while it committed the write; check whether the write took place before repeating it.',
    );
  switch (error.reason) {
    case 'deadline':
      return new AppError('unavailable', `The statement was stopped: it did not end within ${timeoutMs} ms.`);
    case 'aborted':
      return new AppError('unavailable', 'The statement was stopped: its invocation has ended.');
    case 'crashed':
      return new AppError(
        'invalid_sql',
        'The statement crashed the process that ran it, and no other; change it.',
      );
    case 'memory':
      return new AppError('invalid_sql', `${OUT_OF_MEMORY.replace(/^t/, 'T')}.`);
    case 'killed':
      return new AppError('unavailable', 'The process that ran the statement was killed; try again.');
    case 'unstarted': {
      const sentence = `No process could be started for the statement (${messageOf(error.cause)}); try again.`;
      return new AppError('unavailable', sentence, { cause: error.cause });
    }
    case 'closed':
      return new AppError('unavailable', 'The functions’ databases are closed.');
  }
}
