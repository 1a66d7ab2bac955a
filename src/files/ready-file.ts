import { rename, rm, writeFile } from 'node:fs/promises';
import { AppError } from '../errors.js';
import type { Closable } from '../ports/closable.js';
import { fileReason } from './file-reason.js';

/**
 * Writes a readiness file for a process manager. Closing the result removes the file, which happens
 * at the beginning of a shutdown. Throws `bad_config` if the file cannot be written.
 */
export async function writeReadyFile(file: string): Promise<Closable> {
  const partial = `${file}.${process.pid}`;
  try {
    // Write to a temporary name and rename, so that readers never see a partial file.
    await writeFile(partial, `${process.pid}\n`);
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {});
    throw new AppError(
      'bad_config',
      `READY_FILE: ${file} cannot be written (${fileReason(error)}); name a file in a directory that this user may write.`,
      { cause: error },
    );
  }
  return { close: () => rm(file, { force: true }) };
}

/** Removes the readiness file that a killed process has left behind. Call it before startup. */
export function removeReadyFile(file: string): Promise<void> {
  return rm(file, { force: true });
}
