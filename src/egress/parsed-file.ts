import { readFile, stat } from 'node:fs/promises';

/**
 * Returns a function that reads a file and parses it again only when the file has changed. A file
 * that cannot be read is treated as empty, as the system's resolver does.
 */
export function parsedFile<T>(path: string, parse: (text: string) => T): () => Promise<T> {
  let known: { version: string; value: T } | null = null;
  return async () => {
    const version = await stat(path).then(
      ({ ino, size, mtimeMs }) => `${ino} ${size} ${mtimeMs}`,
      () => '',
    );
    if (known?.version !== version) {
      known = { version, value: parse(await readFile(path, 'utf8').catch(() => '')) };
    }
    return known.value;
  };
}
