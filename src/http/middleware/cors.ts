import type { Context, Next } from 'koa';

const EXPOSED = [
  'ETag',
  'Location',
  'Retry-After',
  'X-Attempts',
  'X-Duration-Ms',
  'X-Function-Version',
  'X-Message-ID',
  'X-Request-ID',
].join(', ');
const PREFLIGHT_SECONDS = '600';

/**
 * Sets CORS headers for the configured origins. Without any, browsers enforce the same-origin
 * policy. The API does not use cookies.
 */
export function allowOrigins(origins: readonly string[] = []) {
  const any = origins.includes('*');
  return (ctx: Context, next: Next): Promise<void> => {
    const origin = ctx.get('origin');
    if (origins.length > 0) ctx.vary('Origin');
    if (origin !== '' && (any || origins.includes(origin))) {
      ctx.set('Access-Control-Allow-Origin', any ? '*' : origin);
      ctx.set('Access-Control-Expose-Headers', EXPOSED);
      if (ctx.method === 'OPTIONS' && ctx.get('access-control-request-method') !== '') {
        // Credentials are sent in headers by the caller itself, so restricting headers would
        // protect nothing.
        ctx.set('Access-Control-Allow-Headers', ctx.get('access-control-request-headers'));
        ctx.set('Access-Control-Max-Age', PREFLIGHT_SECONDS);
      }
    }
    return next();
  };
}
