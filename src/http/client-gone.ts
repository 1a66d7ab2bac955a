import type { Context } from 'koa';

/**
 * Calls `then` when the client goes away before its reply is written. Returns what takes that back.
 */
export function whenClientGone({ res }: Context, then: () => void): () => void {
  const closed = () => {
    if (!res.writableFinished) then();
  };
  if (res.destroyed) then();
  else res.once('close', closed);
  return () => res.off('close', closed);
}

/** The same as a signal, for what takes one. */
export function clientGone(ctx: Context): AbortSignal {
  const gone = new AbortController();
  whenClientGone(ctx, () => gone.abort());
  return gone.signal;
}
