import type { IncomingMessage, ServerResponse } from 'node:http';

/** A client that has begun a body and sends nothing for so long has its request ended. */
export const IDLE_MS = 20_000;

/**
 * While a body comes, its connection may not be idle for long. Node tells the request (`timeout`)
 * when somebody listens, else it ends the connection. Most bodies have come with their headers:
 * those cost nothing.
 */
export function limitIdle(request: IncomingMessage): void {
  const { socket } = request;
  if (request.complete) return;
  socket.setTimeout(IDLE_MS);
  request.once('end', () => socket.setTimeout(0));
}

/**
 * The rest of a body that was answered before it had come is waited for no longer than that either.
 */
export function limitIdleRest(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete) return;
  // With the end of the reply Node sets the time that a connection is kept, and does so before this
  // is called.
  response.once('finish', () => {
    const { socket } = request;
    if (!request.complete) socket.setTimeout(IDLE_MS, () => socket.destroy());
  });
}
