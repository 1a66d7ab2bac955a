import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * While a body comes, its connection may be idle for `idleMs` (REQUEST_IDLE_SECONDS). Node tells
 * the request (`timeout`) when somebody listens, else it ends the connection. Most bodies have come
 * with their headers: those cost nothing.
 */
export function limitIdle(request: IncomingMessage, idleMs: number): void {
  const { socket } = request;
  if (request.complete) return;
  socket.setTimeout(idleMs);
  request.once('end', () => socket.setTimeout(0));
}

/**
 * The rest of a body that was answered before it had come is waited for no longer than that either.
 */
export function limitIdleRest(request: IncomingMessage, response: ServerResponse, idleMs: number): void {
  if (request.complete) return;
  // With the end of the reply Node sets the time that a connection is kept, and does so before this
  // is called.
  response.once('finish', () => {
    const { socket } = request;
    if (request.complete) return;
    const end = () => socket.destroy();
    socket.setTimeout(idleMs, end);
    // The connection goes on to further requests, whose own time is none of this one's.
    request.once('end', () => socket.off('timeout', end));
  });
}
