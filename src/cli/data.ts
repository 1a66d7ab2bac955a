import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { AppError, messageOf } from '../errors.js';

/** What `--data` means: the text itself, `@file` a file's bytes, `-` those of stdin. */
export async function readData(value: string): Promise<Uint8Array> {
  if (value === '-') return buffer(process.stdin);
  if (value.startsWith('@')) return readFileOr(value.slice(1));
  return Buffer.from(value);
}

/** The bytes of a file, or a sentence on why not. */
export async function readFileOr(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new AppError('invalid_request', `Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}
