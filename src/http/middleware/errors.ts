import type { Context, Next } from 'koa';
import { AppError, isAppError } from '../../errors.js';
import type { Logger } from '../../logger.js';

/** Turns whatever was thrown into `{error, code}` with its status; what nobody foresaw is told to the log alone. */
export function answerErrors(logger: Logger) {
  return async (ctx: Context, next: Next): Promise<void> => {
    try {
      await next();
    } catch (error) {
      const known = toAppError(error, ctx, logger);
      ctx.status = known.status;
      if (known.retryAfter !== undefined)
        ctx.set('Retry-After', String(Math.max(1, Math.ceil(known.retryAfter))));
      if (known.code === 'unauthorized') ctx.set('WWW-Authenticate', 'Bearer realm="orama"');
      ctx.type = 'application/json';
      ctx.body = JSON.stringify({ error: known.message, code: known.code, ...ctx.state.refusal?.(ctx) });
    }
  };
}

function toAppError(error: unknown, ctx: Context, logger: Logger): AppError {
  if (isAppError(error)) {
    if (error.status >= 500)
      logger.warn({ err: error, method: ctx.method, path: ctx.path }, 'a request failed');
    return error;
  }
  // The query is left out: it may hold a credential.
  logger.error({ err: error, method: ctx.method, path: ctx.path }, 'a request failed');
  return new AppError('internal', 'The engine failed at this request; its log has the details.', {
    cause: error,
  });
}
