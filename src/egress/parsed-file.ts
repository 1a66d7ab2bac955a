import { readFile, stat } from 'node:fs/promises';

/**
 * Returns a function that reads a file and parses it again only when the file has changed. A file
 * that cannot be read is treated as empty, as the system's resolver does, until it has been read
 * once; it is read again the next time, since the process may only lack a file descriptor.
 */
export function parsedFile<T>(path: string, parse: (text: string) => T): () => Promise<T> {
  const none = parse('');
  let known: { version: string; value: T } = { version: '', value: none };
  return async () => {
    const version = await stat(path).then(
      ({ ino, size, mtimeMs }) => `${ino} ${size} ${mtimeMs}`,
      () => '',
    );
    if (known.version === version) return known.value;
    if (version === '') known = { version, value: none };
    else {
      const text = await readFile(path, 'utf8').catch(() => null);
      if (text !== null) known = { version, value: parse(text) };
    }
    return known.value;
  };
}
