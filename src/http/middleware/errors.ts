import type { Context, Next } from 'koa';
import type { Logger } from '../../logger.js';
import type { BodyLimits } from '../request/body-limits.js';
import { assertHost } from '../request/host-header.js';
import { assertTarget } from '../request/request-target.js';
import { toAppError } from '../response/to-app-error.js';

/** Converts thrown errors to `{error, code}` with their status. */
export function respondToErrors(logger: Logger, bodies: BodyLimits) {
  return async (ctx: Context, next: Next): Promise<void> => {
    try {
      assertHost(ctx.req);
      assertTarget(ctx.req);
      await next();
    } catch (thrown) {
      const error = toAppError(thrown, logger, { method: ctx.method, path: ctx.url });
      ctx.status = error.status;
      if (error.retryAfter !== undefined) {
        ctx.set('Retry-After', String(Math.max(1, Math.ceil(error.retryAfter))));
      }
      // Do not wait for the rest of the body.
      if (error.code === 'request_timeout') ctx.set('Connection', 'close');
      if (error.code === 'unauthorized') ctx.set('WWW-Authenticate', 'Bearer realm="orama"');
      if (error.code === 'upgrade_required') ctx.set({ Upgrade: 'websocket', Connection: 'Upgrade' });
      ctx.set('Content-Type', 'application/json');
      ctx.body = JSON.stringify({ error: error.message, code: error.code, ...ctx.state.refusal?.(ctx) });
    }
    bodies.limitRest(ctx.req, ctx.res);
  };
}
