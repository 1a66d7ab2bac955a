import { rename, rm, writeFile } from 'node:fs/promises';
import { AppError } from '../errors.js';
import type { Closable } from '../ports/closable.js';
import { fileReason } from './file-reason.js';

/**
 * An entry point calls this before it opens anything: READY_FILE of a killed process would say that
 * the one that starts is ready. Does nothing if the setting is not set.
 */
export async function removeReadyFile(file: string | undefined): Promise<void> {
  if (file !== undefined) await rm(file, { force: true });
}

/**
 * An entry point calls this when the process is ready, to tell a process manager. Closing the
 * result removes the file, which happens at the beginning of a shutdown. Throws `bad_config` if the
 * file cannot be written. Does nothing if the setting is not set.
 */
export async function writeReadyFile(file: string | undefined): Promise<Closable> {
  if (file === undefined) return { close: async () => undefined };
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
  return { close: () => removeReadyFile(file) };
}
