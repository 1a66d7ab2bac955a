import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, messageOf } from '../errors.js';

/** As much as a burst of log rows takes. */
const BYTES = Buffer.alloc(256 << 10);
/** Health is asked for by everybody, and a write is no light question. */
const REMEMBERED_MS = 1000;

const known = new Map<string, { at: number; answer: Promise<void> }>();

/**
 * Rejects with a sentence when no file can be written in the directory, its disk being full or
 * read-only.
 */
export function assertWritable(dir: string): Promise<void> {
  const last = known.get(dir);
  if (last !== undefined && Date.now() - last.at < REMEMBERED_MS) return last.answer;
  const answer = write(dir);
  known.set(dir, { at: Date.now(), answer });
  return answer;
}

async function write(dir: string): Promise<void> {
  const file = join(dir, `.writable.${process.pid}`);
  try {
    await writeFile(file, BYTES, { mode: 0o600 });
  } catch (error) {
    throw new AppError(
      'unavailable',
      `Nothing can be written to the data directory ${dir} (${messageOf(error)}); free space on its disk.`,
      { cause: error },
    );
  } finally {
    await rm(file, { force: true }).catch(() => {});
  }
}
