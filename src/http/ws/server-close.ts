import type { WebSocket } from 'ws';

const closed = new WeakSet<WebSocket>();

/** Closes a socket from this side. Messages that have not begun are dropped. */
export function closeByServer(ws: WebSocket, code: number, reason: string): void {
  closed.add(ws);
  ws.close(code, reason);
}

/**
 * Returns whether this side has begun to close the socket. The code of the `close` event does not
 * tell, because it is the one that the client answers with.
 */
export function isClosedByServer(ws: WebSocket): boolean {
  return closed.has(ws);
}
