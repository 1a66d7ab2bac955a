import type { RawData, WebSocket } from 'ws';

const closed = new WeakSet<WebSocket>();

/**
 * Time limit of the closing handshake, in which the client still reads what was sent before, in
 * milliseconds.
 */
const CLOSE_TIMEOUT_MS = 10_000;

/**
 * Closes a socket from this side, within `timeoutMs` also if the client does not answer. Messages
 * that have not begun are dropped, and so are those that `ws` still emits.
 */
export function closeByServer(
  ws: WebSocket,
  code: number,
  reason: string,
  timeoutMs = CLOSE_TIMEOUT_MS,
): void {
  if (closed.has(ws)) return;
  closed.add(ws);
  // By default `ws` waits for half a minute.
  setTimeout(() => ws.terminate(), timeoutMs).unref();
  ws.close(code, reason);
}

/** Calls back for each message that arrives before this side closes the socket. */
export function onMessage(ws: WebSocket, callback: (data: RawData) => void): void {
  ws.on('message', (data) => {
    if (!closed.has(ws)) callback(data);
  });
}

/**
 * Returns whether this side has begun to close the socket. The code of the `close` event does not
 * tell, because it is the one that the client answers with.
 */
export function isClosedByServer(ws: WebSocket): boolean {
  return closed.has(ws);
}
