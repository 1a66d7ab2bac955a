import Router from '@koa/router';
import Koa from 'koa';
import { CONSOLE_PATHS, serveConsole } from './console.js';
import { dispatch, type Serving } from './dispatch.js';
import { GUIDE_PATHS, serveGuide } from './guide.js';
import { allowOrigins } from './middleware/cors.js';
import { answerErrors } from './middleware/errors.js';
import { answerNotRouted } from './middleware/not-routed.js';
import { routes } from './routes.js';

/** The HTTP API over its services. Serves no sockets: those are the server's. */
export function createApp(serving: Serving): Koa {
  const { services } = serving;
  const app = new Koa();
  // A router tries every route that it has, so the hot ones have one to themselves.
  const hot = new Router({ sensitive: true });
  const others = new Router({ sensitive: true });
  for (const route of routes) {
    const router = route.hot ? hot : others;
    router.register(routerPath(route.path), [route.method], [dispatch(route, serving)]);
  }
  const console = serveConsole(new URL('../../console/', import.meta.url));
  for (const path of CONSOLE_PATHS) others.get(path, console);
  const guide = serveGuide(new URL('../../guide/', import.meta.url));
  for (const path of GUIDE_PATHS) others.get(path, guide);

  app.use((ctx, next) => {
    // Replies are data, also when they are a function's own.
    ctx.res.setHeader('X-Content-Type-Options', 'nosniff');
    return next();
  });
  app.use(allowOrigins(services.config.CORS_ORIGINS));
  app.use(answerErrors(services.logger, serving.bodies));
  app.use(hot.routes());
  app.use(others.routes());
  app.use(answerNotRouted([hot, others]));

  // What fails after the reply has begun: a client that went away is nobody's fault.
  app.on('error', (error: NodeJS.ErrnoException) => {
    const gone =
      error.code === 'ECONNRESET' || error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE';
    services.logger[gone ? 'debug' : 'error']({ err: error }, 'a reply could not be finished');
  });
  return app;
}

/** `/v1/functions/{name}` → `/v1/functions/:name` */
function routerPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}
