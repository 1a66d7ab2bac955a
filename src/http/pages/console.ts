import type { Context } from 'koa';
import { loadedOnce } from '../../concurrency/loaded-once.js';
import { AppError } from '../../errors.js';
import { loadSite, sendStatic } from './static-site.js';

/** A single page serves all paths; its assets are under `assets/`. */
export const CONSOLE_PATHS = ['/console', '/console/{*path}'] as const;

/**
 * Allows only resources of the engine, no inline code, and no conversion of strings to code or
 * markup (Trusted Types).
 */
const POLICY = [
  "default-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** Headers of every page of the engine. */
export const PAGE_HEADERS = {
  'Content-Security-Policy': POLICY,
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
};

/**
 * Serves the console from the build output: precompressed files, and assets with content hashes in
 * their names.
 */
export function serveConsole(directory: URL) {
  const loaded = loadedOnce(() => loadSite(directory));

  return async (ctx: Context): Promise<void> => {
    const files = await loaded();
    const path = ctx.path.slice('/console/'.length);
    const isAsset = path.startsWith('assets/');
    const file = files.get(isAsset ? path : 'index.html');
    if (file === undefined) throw isAsset ? noSuchAsset(path) : notBuilt();
    sendStatic(ctx, file, { isAsset, headers: PAGE_HEADERS });
  };
}

function noSuchAsset(path: string): AppError {
  return new AppError(
    'not_found',
    `The console has no file ${JSON.stringify(path.slice(0, 200))}; the engine may have been updated: load the page again.`,
  );
}

function notBuilt(): AppError {
  return new AppError('not_found', 'This build has no console; build it with "npm run build".');
}
