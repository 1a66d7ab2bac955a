import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { Context } from 'koa';
import type { Namespace } from '../contract/ids.js';
import type { Principal } from '../core/auth/principal.js';
import { clientGone } from './client-gone.js';
import { credentialEnds } from './credential-ends.js';
import type { Answer } from './route.js';
import type { Services } from './services.js';
import { takeSocketSlot } from './socket-slot.js';

/** Proxies cut connections on which nothing happens. */
const HEARTBEAT_MS = 15_000;

export interface StreamCall {
  services: Services;
  principal: Principal;
  namespace: Namespace;
  ctx: Context;
  stopping: AbortSignal;
}

/** Writes events as text, waiting while the client does not read them. */
export type WriteEvents = (text: string) => Promise<void>;

/**
 * An answer of server-sent events. `run` writes them until the signal: the client has gone, its
 * credential no longer holds, or the server stops. What it throws ends the stream; the client
 * connects again and resumes. It takes one of the namespace's sockets.
 */
export async function eventStream(
  { services, principal, namespace, ctx, stopping }: StreamCall,
  run: (write: WriteEvents, signal: AbortSignal) => Promise<void>,
): Promise<Answer> {
  const slot = await takeSocketSlot(services, namespace, principal);
  const stream = new PassThrough();
  const done = AbortSignal.any([clientGone(ctx), stopping]);
  const signal = AbortSignal.any([done, credentialEnds(services.auth, principal, done)]);
  void writeAll(stream, signal, run).finally(() => slot.release());
  return {
    status: 200,
    bytes: stream,
    type: 'text/event-stream',
    headers: { 'Cache-Control': 'no-cache', 'X-Accel-Buffering': 'no' },
  };
}

async function writeAll(
  stream: PassThrough,
  signal: AbortSignal,
  run: (write: WriteEvents, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const write = async (text: string) => {
    if (!stream.write(text)) await once(stream, 'drain', { signal });
  };
  const heartbeat = setInterval(() => stream.write(': still here\n\n'), HEARTBEAT_MS);
  try {
    // At once, so that the client knows that it is connected.
    await write(': connected\n\n');
    await run(write, signal);
  } catch {
    // The client is gone, or the store is away: either way the client connects again and resumes.
  } finally {
    clearInterval(heartbeat);
    stream.end();
  }
}

/** Writes what `read` gives at each tick, unless it is what was written last. */
export async function writeChanges(
  write: WriteEvents,
  ticks: AsyncIterable<void>,
  read: () => Promise<unknown>,
): Promise<void> {
  let last = '';
  for await (const _ of ticks) {
    const text = JSON.stringify(await read());
    if (text === last) continue;
    last = text;
    await write(`data: ${text}\n\n`);
  }
}
