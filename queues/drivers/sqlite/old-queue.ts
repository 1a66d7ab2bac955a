import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../src/errors.js';

/**
 * Refuses to start on a queue of an earlier version, which was a Postgres directory that this
 * version cannot read: jobs that wait in it must not be dropped silently. Rejects with `bad_config`
 * when `dir` contains such a queue.
 */
export async function refuseOldQueue(dir: string): Promise<void> {
  const isThere = await access(join(dir, 'PG_VERSION')).then(
    () => true,
    () => false,
  );
  if (!isThere) return;
  throw new AppError(
    'bad_config',
    `The queue in ${dir} was written by an earlier version, and this one cannot read it: start that version once more, wait until \`orama status\` shows 0 for queue.waiting, queue.running and queue.retrying, stop it, and remove ${dir}; or remove it at once if its jobs may be lost. Functions, logs and schedules are kept elsewhere.`,
  );
}
