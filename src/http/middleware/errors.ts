import type { Context, Next } from 'koa';
import type { Logger } from '../../logger.js';
import type { BufferLimits } from '../request/buffer-limits.js';
import { assertHost } from '../request/host-header.js';
import { assertTarget } from '../request/request-target.js';
import { errorHeaders, toAppError } from '../response/to-app-error.js';

/** Converts thrown errors to `{error, code}` with their status. */
export function respondToErrors(logger: Logger, buffers: BufferLimits) {
  return async (ctx: Context, next: Next): Promise<void> => {
    try {
      assertHost(ctx.req);
      assertTarget(ctx.req);
      await next();
    } catch (thrown) {
      const error = toAppError(thrown, logger, { method: ctx.method, path: ctx.url });
      ctx.status = error.status;
      ctx.set(errorHeaders(error));
      if (error.code === 'upgrade_required') ctx.set({ Upgrade: 'websocket', Connection: 'Upgrade' });
      ctx.body = JSON.stringify({
        error: error.message,
        code: error.code,
        ...ctx.state.refusal?.(ctx, error),
      });
    }
    buffers.limitRest(ctx.req, ctx.res);
  };
}
