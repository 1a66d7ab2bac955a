import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Limits how long the connection may be idle while a body is received, to `idleMs`
 * (REQUEST_IDLE_SECONDS). Node emits `timeout` on the request if there is a listener, and otherwise
 * destroys the socket. Does nothing for bodies that were received with their headers.
 */
export function limitIdle(request: IncomingMessage, idleMs: number): void {
  const { socket } = request;
  if (request.complete) return;
  socket.setTimeout(idleMs);
  request.once('end', () => socket.setTimeout(0));
}

/** Applies the same limit to the rest of a body whose request has already been answered. */
export function limitIdleRest(request: IncomingMessage, response: ServerResponse, idleMs: number): void {
  if (request.complete) return;
  // At the end of the response, and before this listener, Node sets the keep-alive timeout.
  response.once('finish', () => {
    const { socket } = request;
    if (request.complete) return;
    const end = () => socket.destroy();
    socket.setTimeout(idleMs, end);
    // The connection is reused; later requests have their own timeouts.
    request.once('end', () => socket.off('timeout', end));
  });
}

/**
 * Disconnects a client that reads nothing of its reply for `idleMs`, as the rest of the reply is in
 * memory until then. Call it before the reply is sent.
 */
export function limitUnread({ socket }: IncomingMessage, response: ServerResponse, idleMs: number): void {
  // Emitted when the end has been passed to the socket. A timeout of the socket does not occur
  // while the system takes further bytes of a write.
  response.once('prefinish', () => socket.setTimeout(idleMs));
  // After Node's listener, which has set the keep-alive timeout, or none if a pipelined request is
  // served next.
  response.once('finish', () => {
    if (socket.timeout === idleMs) socket.setTimeout(0);
  });
}
