import { hash } from 'node:crypto';
import type { Context } from 'koa';
import { loadedOnce } from '../../concurrency/loaded-once.js';
import { AppError } from '../../errors.js';
import { loadSite, type StaticSite, sendStatic } from './static-site.js';

/** Paths of the guide. Every engine serves it, so that it is available without a network. */
export const GUIDE_PATHS = ['/docs/guide', '/docs/guide/{*path}'] as const;

const ROOT = '/docs/guide/';
const INLINE_SCRIPT = /<script(?![^>]*\ssrc=)[^>]*>([\s\S]+?)<\/script>/g;

interface Guide {
  files: StaticSite;
  headers: Readonly<Record<string, string>>;
}

/** Serves the guide from the output of VitePress. */
export function serveGuide(directory: URL) {
  const loaded = loadedOnce(() => load(directory));

  return async (ctx: Context): Promise<void> => {
    if (ctx.path === '/docs/guide') {
      // Relative links of the page require the trailing slash.
      ctx.status = 308;
      ctx.set('Location', ROOT);
      return;
    }
    const { files, headers } = await loaded();
    if (files.size === 0) {
      throw new AppError('not_found', 'This build has no guide; build it with "npm run build".');
    }
    const path = ctx.path.slice(ROOT.length) || 'index.html';
    const file = files.get(path);
    if (file === undefined) {
      const shown = JSON.stringify(path.slice(0, 200));
      throw new AppError('not_found', `The guide has no page ${shown}; it begins at ${ROOT}.`);
    }
    sendStatic(ctx, file, { isAsset: path.startsWith('assets/'), headers });
  };
}

async function load(directory: URL): Promise<Guide> {
  const files = await loadSite(directory);
  return { files, headers: headersFor(files) };
}

/**
 * Allows the scripts of the build and, by their hashes, its inline scripts. Highlighted code has
 * style attributes, so inline styles are allowed; no page contains user content.
 */
function headersFor(files: StaticSite): Record<string, string> {
  const hashes = new Set<string>();
  for (const { type, bodies } of files.values()) {
    if (!type.startsWith('text/html')) continue;
    for (const [, script = ''] of (bodies.get('identity')?.toString() ?? '').matchAll(INLINE_SCRIPT)) {
      hashes.add(`'sha256-${hash('sha256', script, 'base64')}'`);
    }
  }
  const policy = [
    "default-src 'none'",
    ['script-src', "'self'", ...[...hashes].sort()].join(' '),
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    'Content-Security-Policy': policy.join('; '),
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
  };
}
