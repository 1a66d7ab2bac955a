import { OramaError } from './errors.js';

/**
 * The part of the WebSocket API that is used, as implemented by browsers, Workers, Node 22 and the
 * package `ws`.
 */
export interface WebSocketLike {
  close(code?: number): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
}

/**
 * Opens a socket. The subprotocols carry the credential, so they must be passed on: a browser's
 * WebSocket can set no header, and addresses are logged by proxies.
 */
export type WebSocketFactory = (url: string, protocols: string[]) => WebSocketLike;

type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike;

export const defaultWebSocket: WebSocketFactory = (url, protocols) => {
  const { WebSocket } = globalThis as { WebSocket?: WebSocketClass };
  if (WebSocket !== undefined) return new WebSocket(url, protocols);
  throw new OramaError(
    'There is no WebSocket here; give createClient one as webSocket, such as that of the package ws',
    {
      code: 'invalid_request',
      status: 0,
    },
  );
};
