import type { Cluster, Redis } from 'ioredis';
import { AppError } from '../errors.js';
import { atMost, within } from '../within.js';

export type RedisConnection = Redis | Cluster;

/** A server that is gone is not waited for any longer when its connection is closed. */
const CLOSE_MS = 200;

/** The error for a command that the server did not carry out, whatever the reason. */
export function unavailable(what: string, cause: unknown): AppError {
  return new AppError('unavailable', `The ${what} cannot be reached right now; try again in a moment.`, {
    cause,
  });
}

/**
 * Resolves when the connection can be used, and rejects after `withinMs`: a cluster that serves no
 * slots never gets there.
 */
export async function whenReady(connection: RedisConnection, withinMs: number): Promise<void> {
  if (connection.status === 'ready') return;
  let failure = new Error(`it is not ready for use within ${withinMs} ms`);
  const failed = (error: Error) => {
    failure = error;
  };
  connection.on('error', failed);
  let heard = () => {};
  const ready = new Promise<void>((resolve) => {
    heard = resolve;
    connection.once('ready', heard);
  });
  try {
    await within(withinMs, ready, () => failure);
  } finally {
    connection.off('error', failed);
    connection.off('ready', heard);
  }
}

/** Resolves when the connection can be used, and after `withinMs` at the latest. */
export async function untilReady(connection: RedisConnection, withinMs: number): Promise<void> {
  if (withinMs > 0) await whenReady(connection, withinMs).catch(() => {});
}

/** Ends a connection without waiting for a server that may be gone. */
export async function closeRedis(connection: RedisConnection): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    if (connection.status === 'end') resolve();
    else connection.once('end', () => resolve());
  });
  connection.disconnect();
  await atMost(CLOSE_MS, ended);
}
