import type { Context, Next } from 'koa';
import type { Logger } from '../../logger.js';
import { toAppError } from '../to-app-error.js';

/** Turns whatever was thrown into `{error, code}` with its status. */
export function answerErrors(logger: Logger) {
  return async (ctx: Context, next: Next): Promise<void> => {
    try {
      await next();
    } catch (thrown) {
      const error = toAppError(thrown, logger, { method: ctx.method, path: ctx.path });
      ctx.status = error.status;
      if (error.retryAfter !== undefined) {
        ctx.set('Retry-After', String(Math.max(1, Math.ceil(error.retryAfter))));
      }
      if (error.code === 'unauthorized') ctx.set('WWW-Authenticate', 'Bearer realm="orama"');
      if (error.code === 'upgrade_required') ctx.set({ Upgrade: 'websocket', Connection: 'Upgrade' });
      ctx.type = 'application/json';
      ctx.body = JSON.stringify({ error: error.message, code: error.code, ...ctx.state.refusal?.(ctx) });
    }
  };
}
