import { randomBytes } from 'node:crypto';
import { lstatSync, renameSync, rmSync, writeFileSync } from 'node:fs';

const MODE = 0o600;

/**
 * Replaces a file atomically by one that only its owner can read. The mode of an existing file
 * would otherwise stay as it is.
 */
export function writeOwnFile(file: string, content: string | Uint8Array): void {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(draft, content, { mode: MODE, flag: 'wx' });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/**
 * Returns whether the path exists and belongs to the user of this process. Always true where files
 * have no owners.
 */
export function isOwn(path: string): boolean {
  try {
    const { uid } = lstatSync(path);
    return process.geteuid === undefined || uid === process.geteuid();
  } catch {
    return false;
  }
}
