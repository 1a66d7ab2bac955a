import type { Context } from 'koa';

/** Aborted when the client goes away before its reply is written. */
export function clientGone(ctx: Context): AbortSignal {
  const gone = new AbortController();
  const { res } = ctx;
  if (res.destroyed) gone.abort();
  else {
    res.once('close', () => {
      if (!res.writableFinished) gone.abort();
    });
  }
  return gone.signal;
}
