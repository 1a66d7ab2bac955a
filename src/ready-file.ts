import { rename, rm, writeFile } from 'node:fs/promises';
import { AppError, messageOf } from './errors.js';
import type { Closable } from './ports/closable.js';

/**
 * Says to a process manager that this process is ready: the file is there from now until it begins
 * to stop.
 */
export async function writeReadyFile(file: string): Promise<Closable> {
  const partial = `${file}.${process.pid}`;
  try {
    // Renamed, so that who sees the file sees the whole of it.
    await writeFile(partial, `${process.pid}\n`);
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {});
    throw new AppError(
      'bad_config',
      `READY_FILE: ${file} cannot be written (${messageOf(error)}); name a file in a directory that this user may write.`,
      { cause: error },
    );
  }
  return { close: () => rm(file, { force: true }) };
}

/** Before a start: what a killed process has left says nothing of this one. */
export function removeReadyFile(file: string): Promise<void> {
  return rm(file, { force: true });
}
