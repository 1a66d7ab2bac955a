import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Returns the files below a directory whose bytes contain any of the texts. */
export async function filesWith(directory: string, texts: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    // A file that does not exist any more was temporary.
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    if (texts.some((text) => bytes.includes(text))) found.push(path);
  }
  return found;
}
