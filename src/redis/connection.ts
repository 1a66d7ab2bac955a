import type { Cluster, Redis } from 'ioredis';
import { waitAtMost, withTimeout } from '../concurrency/timeout.js';
import { AppError } from '../errors.js';

export type RedisConnection = Redis | Cluster;

/** How long closing a connection waits for an unresponsive server. */
const CLOSE_MS = 200;

/** Creates the error for a command that the server did not execute, for whatever reason. */
export function unavailable(what: string, cause: unknown): AppError {
  return new AppError('unavailable', `The ${what} cannot be reached right now; try again in a moment.`, {
    cause,
  });
}

/**
 * Returns whether an error of a command shows that the server did not execute it: the server
 * refused it, or the connection was not ready and the command was never sent. After any other
 * error, the server may have executed the command.
 */
export function wasNotExecuted(error: unknown): boolean {
  // ioredis has no error class for a command that it refuses to queue.
  return error instanceof Error && (error.name === 'ReplyError' || /enableOfflineQueue/.test(error.message));
}

/**
 * Resolves when the connection is ready. Rejects after `withinMs`, since a cluster that serves no
 * slots never becomes ready.
 */
export async function whenReady(connection: RedisConnection, withinMs: number): Promise<void> {
  if (connection.status === 'ready') return;
  let failure = new Error(`it is not ready for use within ${withinMs} ms`);
  const failed = (error: Error) => {
    failure = error;
  };
  connection.on('error', failed);
  let onReady = () => {};
  const ready = new Promise<void>((resolve) => {
    onReady = resolve;
    connection.once('ready', onReady);
  });
  try {
    await withTimeout(withinMs, ready, () => failure);
  } finally {
    connection.off('error', failed);
    connection.off('ready', onReady);
  }
}

/** Resolves when the connection is ready, or after `withinMs`. */
export async function untilReady(connection: RedisConnection, withinMs: number): Promise<void> {
  if (withinMs > 0) await whenReady(connection, withinMs).catch(() => {});
}

/** Closes a connection without waiting long for a server that may be unreachable. */
export async function closeRedis(connection: RedisConnection): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    if (connection.status === 'end') resolve();
    else connection.once('end', () => resolve());
  });
  connection.disconnect();
  await waitAtMost(CLOSE_MS, ended);
}
