import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../errors.js';
import { nodeErrorCode } from '../../node-error-code.js';
import { parseCid } from '../unixfs.js';

/** The error codes of a name under which there is nothing, or can be nothing. */
const ABSENT: ReadonlySet<unknown> = new Set(['ENOENT', 'ENAMETOOLONG']);

/**
 * Returns whether the directory of a local store has the blob. Rejects with `unavailable` if that
 * is not known, for example because the process has no file descriptor left: a module that is
 * reported as absent would end its invocations.
 */
export async function hasBlob(dir: string, text: string): Promise<boolean> {
  const cid = parseCid(text);
  if (cid === null) return false;
  return stat(join(dir, cid.toString())).then(
    (found) => found.isDirectory(),
    (cause) => {
      if (ABSENT.has(nodeErrorCode(cause))) return false;
      throw unreadable(cause);
    },
  );
}

/** Creates the error for a blob that may be there and whole, but cannot be read now. */
export function unreadable(cause: unknown): AppError {
  return new AppError('unavailable', 'The storage cannot be read right now; try again in a moment.', {
    cause,
  });
}
