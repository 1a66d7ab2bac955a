import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCid } from '../unixfs.js';

/** Returns whether the directory of a local store has the blob. */
export async function hasBlob(dir: string, text: string): Promise<boolean> {
  const cid = parseCid(text);
  if (cid === null) return false;
  return stat(join(dir, cid.toString())).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
