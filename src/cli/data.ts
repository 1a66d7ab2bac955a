import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { AppError } from '../errors.js';
import { fileReason } from '../files/file-reason.js';

/**
 * Returns the value of `--data` as bytes: the text itself, the content of a file (`@file`), or
 * stdin (`-`).
 */
export async function readData(value: string): Promise<Uint8Array> {
  if (value === '-') return buffer(process.stdin);
  if (value === '@') {
    throw new AppError(
      'invalid_request',
      'After "@" the name of a file is missing, such as @input.json; - is stdin',
    );
  }
  if (value.startsWith('@')) return readFileOr(value.slice(1));
  return Buffer.from(value);
}

/** Returns the content of a file. Throws `invalid_request` if it cannot be read. */
export async function readFileOr(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new AppError(
      'invalid_request',
      `Cannot read ${path}: ${fileReason(cause)}; name a file, or - for stdin`,
      { cause },
    );
  }
}
