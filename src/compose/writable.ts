import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.js';
import { fileReason } from '../files/file-reason.js';
import { nodeErrorCode } from '../node-error-code.js';

/** Errors that end when there is space again. */
const NO_SPACE: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** Size of a test write: that of a burst of log rows. */
const BYTES = Buffer.alloc(256 << 10);
/** How long a result is cached, since /health is public and a write is expensive. */
const REMEMBERED_MS = 1000;

const known = new Map<string, { at: number; answer: Promise<void> }>();

/**
 * Rejects with a message if no file can be written in the directory, for example because the disk
 * is full or read-only.
 */
export function assertWritable(dir: string): Promise<void> {
  const last = known.get(dir);
  if (last !== undefined && performance.now() - last.at < REMEMBERED_MS) return last.answer;
  const answer = write(dir);
  known.set(dir, { at: performance.now(), answer });
  return answer;
}

async function write(dir: string): Promise<void> {
  const file = join(dir, `.writable.${process.pid}`);
  try {
    await writeFile(file, BYTES, { mode: 0o600 });
  } catch (error) {
    throw new AppError(
      'unavailable',
      `Nothing can be written to the data directory ${dir} (${fileReason(error)}); ${remedyOf(error)}.`,
      { cause: error },
    );
  } finally {
    await rm(file, { force: true }).catch(() => {});
  }
}

function remedyOf(error: unknown): string {
  return NO_SPACE.has(nodeErrorCode(error))
    ? 'free space on its disk'
    : 'see that it is there, and that this user may write there';
}
