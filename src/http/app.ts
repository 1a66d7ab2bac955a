import Router from '@koa/router';
import Koa from 'koa';
import { dispatch, type Serving } from './dispatch.js';
import { allowOrigins } from './middleware/cors.js';
import { respondToErrors } from './middleware/errors.js';
import { respondToUnrouted } from './middleware/not-routed.js';
import { CONSOLE_PATHS, serveConsole } from './pages/console.js';
import { GUIDE_PATHS, serveGuide } from './pages/guide.js';
import { routes } from './routes.js';

/** Creates the Koa app of the HTTP API. WebSockets are handled by the server. */
export function createApp(serving: Serving): Koa {
  const { services } = serving;
  const app = new Koa();
  // koa-router tries its routes one by one, so hot routes have a router of their own.
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
    // Browsers must not interpret replies, including those of functions, as another media type.
    ctx.res.setHeader('X-Content-Type-Options', 'nosniff');
    return next();
  });
  app.use(allowOrigins(services.config.CORS_ORIGINS));
  app.use(respondToErrors(services.logger, serving.buffers));
  app.use(hot.routes());
  app.use(others.routes());
  app.use(respondToUnrouted([hot, others]));

  // Emitted for errors after the response has begun. A client that disconnects is not an error.
  app.on('error', (error: NodeJS.ErrnoException) => {
    const gone =
      error.code === 'ECONNRESET' || error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE';
    services.logger[gone ? 'debug' : 'error']({ err: error }, 'a response could not be completed');
  });
  return app;
}

/** Converts `/v1/functions/{name}` to `/v1/functions/:name`. */
function routerPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}
