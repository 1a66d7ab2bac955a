import test from 'ava';
import type { Closable } from '../../src/ports/closable.js';

/**
 * Opens a resource for the first test of the file that needs it and closes it after the last test.
 */
export function shared<T extends Closable>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  test.after.always(async () => {
    await (await opened)?.close();
  });
  return () => {
    opened ??= open();
    return opened;
  };
}
