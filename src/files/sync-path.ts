import { open } from 'node:fs/promises';

/**
 * Writes a file or directory to the disk. A new or renamed file survives the loss of power only
 * when its directory has been synced, too.
 */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
