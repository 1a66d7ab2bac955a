import type Router from '@koa/router';
import type { Context, Next } from 'koa';
import { AppError } from '../../errors.js';

/**
 * Answers requests that no route has matched: OPTIONS with the methods of the path, 405 for another
 * method, 404 for another path.
 */
export function respondToUnrouted(routers: readonly Router[]) {
  return async (ctx: Context, _next: Next): Promise<void> => {
    const layers = routers.flatMap((router) => router.match(ctx.path, ctx.method).path);
    const methods = [...new Set(layers.flatMap((layer) => layer.methods))];
    if (methods.length === 0) {
      throw new AppError(
        'not_found',
        `There is no ${ctx.method} ${ctx.path.slice(0, 200)}; see /docs for what there is.`,
      );
    }
    const allow = [...methods, 'OPTIONS'].sort().join(', ');
    ctx.set('Allow', allow);
    if (ctx.method === 'OPTIONS') {
      if (ctx.response.get('Access-Control-Allow-Origin')) ctx.set('Access-Control-Allow-Methods', allow);
      ctx.status = 204;
      return;
    }
    throw new AppError(
      'method_not_allowed',
      `${ctx.path.slice(0, 200)} does not take ${ctx.method}; it takes ${allow}.`,
    );
  };
}
