import type { Context } from 'koa';

/**
 * Calls `then` if the client disconnects before its response is written. Returns a function that
 * unregisters the callback.
 */
export function whenClientGone({ res }: Context, then: () => void): () => void {
  const closed = () => {
    if (!res.writableFinished) then();
  };
  if (res.destroyed) then();
  else res.once('close', closed);
  return () => res.off('close', closed);
}

/** Returns a signal that is aborted if the client disconnects before its response is written. */
export function clientGone(ctx: Context): AbortSignal {
  const gone = new AbortController();
  whenClientGone(ctx, () => gone.abort());
  return gone.signal;
}
