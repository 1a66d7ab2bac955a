import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The size of the first block of a file that has several. */
const BLOCK_BYTES = 262_144;

/** Replaces the first block of a stored file, found by its content below a directory. */
export async function damage(
  directory: string,
  stored: Uint8Array,
  change: (block: Buffer) => Uint8Array,
): Promise<void> {
  const first = Buffer.from(stored).subarray(0, BLOCK_BYTES);
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const block = await readFile(path);
    if (!block.equals(first)) continue;
    await writeFile(path, change(block));
    return;
  }
  throw new Error(`no file below ${directory} has the first block`);
}

export const cut = (block: Buffer): Uint8Array => block.subarray(0, 100);

export function flip(block: Buffer): Uint8Array {
  const flipped = Buffer.from(block);
  flipped.writeUInt8(flipped.readUInt8(5) ^ 1, 5);
  return flipped;
}
