import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** The size of the first block of a file that has several. */
const BLOCK_BYTES = 262_144;

/** Replaces the first block of a stored file, found by its content below a directory. */
export async function damage(
  directory: string,
  stored: Uint8Array,
  change: (block: Buffer) => Uint8Array,
): Promise<void> {
  const { path, bytes } = await blockFile(directory, stored);
  await writeFile(path, change(bytes));
}

/**
 * Makes the first block of a stored file unreadable, also for root: opening it fails, but not
 * because it is missing. Resolves with a function that makes it readable again.
 */
export async function makeUnreadable(directory: string, stored: Uint8Array): Promise<() => Promise<void>> {
  const { path, bytes } = await blockFile(directory, stored);
  await rm(path);
  await symlink(basename(path), path);
  return async () => {
    await rm(path);
    await writeFile(path, bytes);
  };
}

async function blockFile(directory: string, stored: Uint8Array): Promise<{ path: string; bytes: Buffer }> {
  const first = Buffer.from(stored).subarray(0, BLOCK_BYTES);
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    if (bytes.equals(first)) return { path, bytes };
  }
  throw new Error(`no file below ${directory} has the first block`);
}

export const cut = (block: Buffer): Uint8Array => block.subarray(0, 100);

export function flip(block: Buffer): Uint8Array {
  const flipped = Buffer.from(block);
  flipped.writeUInt8(flipped.readUInt8(5) ^ 1, 5);
  return flipped;
}
