import type { ServerResponse } from 'node:http';

/**
 * Calls `callback` if the client disconnects before its response is written. Returns a function
 * that unregisters the callback.
 */
export function onClientDisconnect(response: ServerResponse, callback: () => void): () => void {
  const closed = () => {
    if (!response.writableFinished) callback();
  };
  if (response.destroyed) callback();
  else response.once('close', closed);
  return () => response.off('close', closed);
}

/** Returns a signal that is aborted if the client disconnects before its response is written. */
export function clientDisconnected(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  onClientDisconnect(response, () => gone.abort());
  return gone.signal;
}
