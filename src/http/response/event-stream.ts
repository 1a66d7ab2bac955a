import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import type { Context } from 'koa';
import type { BufferReservation } from '../../concurrency/buffer-budget.js';
import type { Namespace } from '../../contract/ids.js';
import type { Principal } from '../../core/auth/principal.js';
import { AppError } from '../../errors.js';
import { credentialEnds } from '../admission/credential-ends.js';
import { acquireSocketLease } from '../admission/socket-lease.js';
import type { RouteResponse } from '../route.js';
import type { Services } from '../services.js';
import { clientDisconnected } from './client-disconnect.js';
import { HEARTBEAT_MS } from './heartbeat.js';
import type { StreamEvent } from './stream-event.js';

/** Events are in memory as records, as text and as bytes until the client has read them. */
const COPIES = 3;

/** The services that a route with a stream uses for it. */
export type StreamUses = 'auth' | 'leases' | 'logger' | 'quotas';

export interface StreamCall {
  streamReservation(): BufferReservation;
  services: Pick<Services, StreamUses>;
  principal: Principal;
  namespace: Namespace;
  ctx: Context;
  stopping: AbortSignal;
}

/**
 * Writes events and waits while the client's buffer is full. Ends the stream if they exceed the
 * memory of the namespace; the client then reconnects and resumes.
 */
export type WriteEvents = (text: string) => Promise<void>;

/**
 * Answers with server-sent events (HTML standard, Server-sent events). `run` writes events until
 * its signal is aborted: when the client disconnects, the credential becomes invalid or the server
 * stops. An error of `run` ends the stream; the client then reconnects and resumes. The stream
 * counts against the namespace's sockets.
 */
export async function eventStream(
  { services, principal, namespace, ctx, stopping, streamReservation }: StreamCall,
  run: (write: WriteEvents, signal: AbortSignal) => Promise<void>,
): Promise<RouteResponse> {
  const lease = await acquireSocketLease(services, namespace, principal);
  const stream = new PassThrough();
  const done = AbortSignal.any([clientDisconnected(ctx.res), stopping]);
  const signal = AbortSignal.any([done, credentialEnds(services.auth, principal, done)]);
  void writeAll({ stream, response: ctx.res, reservation: streamReservation() }, signal, run).finally(() =>
    lease.release(),
  );
  return {
    status: 200,
    bytes: stream,
    type: 'text/event-stream',
    headers: { 'Cache-Control': 'no-cache', 'X-Accel-Buffering': 'no' },
  };
}

interface Sink {
  stream: PassThrough;
  response: ServerResponse;
  reservation: BufferReservation;
}

async function writeAll(
  { stream, response, reservation }: Sink,
  signal: AbortSignal,
  run: (write: WriteEvents, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const write = async (text: string) => {
    if (!reservation.take(COPIES * text.length))
      throw new AppError('rate_limited', 'The memory of the namespace is used up.');
    try {
      if (!stream.write(text)) await once(stream, 'drain', { signal });
      if (response.writableNeedDrain) await once(response, 'drain', { signal });
    } finally {
      reservation.release();
    }
  };
  const heartbeat = setInterval(() => stream.write(': keep-alive\n\n'), HEARTBEAT_MS);
  try {
    // Sent immediately, so that the client knows that it is connected.
    await write(': connected\n\n');
    await run(write, signal);
  } catch {
    // The client has disconnected, the store is unreachable or the memory is used up; in all cases
    // the client reconnects and resumes.
  } finally {
    clearInterval(heartbeat);
    stream.end();
  }
}

/** Writes the result of `read` at each poll, unless it is unchanged, until the last event. */
export async function writeChanges(
  write: WriteEvents,
  polls: AsyncIterable<void>,
  read: () => Promise<StreamEvent>,
): Promise<void> {
  // The text itself would stay in memory for as long as the stream is open.
  let sent = '';
  for await (const _ of polls) {
    const { text, digest, isLast } = await read();
    if (digest !== sent) await write(text);
    if (isLast) return;
    sent = digest;
  }
}
