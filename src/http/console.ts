import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { Context } from 'koa';
import { AppError } from '../errors.js';
import { isUnchanged } from './send.js';

/** The page is one, whatever is shown in it; what it loads is under `assets/`. */
export const CONSOLE_PATHS = ['/console', '/console/{*path}'] as const;

/**
 * Nothing but what the engine serves, no code in the page, and no text ever made code or markup.
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

/** Of every page that the engine serves. */
export const PAGE_HEADERS = {
  'Content-Security-Policy': POLICY,
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
};

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

type Encoding = 'br' | 'gzip' | 'identity';
const SUFFIX: Readonly<Record<Encoding, string>> = { br: '.br', gzip: '.gz', identity: '' };

interface ConsoleFile {
  type: string;
  etag: string;
  bodies: ReadonlyMap<Encoding, Buffer>;
}

/**
 * Serves the console as the build has left it: compressed already, assets under names that change
 * with their content.
 */
export function serveConsole(directory: URL) {
  let loaded: Promise<ReadonlyMap<string, ConsoleFile>> | null = null;

  return async (ctx: Context): Promise<void> => {
    loaded ??= load(directory);
    const files = await loaded;
    const path = ctx.path.slice('/console/'.length);
    const isAsset = path.startsWith('assets/');
    const file = files.get(isAsset ? path : 'index.html');
    if (file === undefined) throw isAsset ? noSuchAsset(path) : notBuilt();

    const encoding = encodingFor(ctx, file);
    ctx.set(PAGE_HEADERS);
    ctx.set('Cache-Control', isAsset ? 'public, max-age=31536000, immutable' : 'no-cache');
    ctx.set('ETag', `"${file.etag}${SUFFIX[encoding]}"`);
    ctx.vary('Accept-Encoding');
    ctx.status = 200;
    if (isUnchanged(ctx)) {
      ctx.status = 304;
      return;
    }
    if (encoding !== 'identity') ctx.set('Content-Encoding', encoding);
    ctx.type = file.type;
    ctx.body = file.bodies.get(encoding);
  };
}

function encodingFor(ctx: Context, { bodies }: ConsoleFile): Encoding {
  const accepted = ctx.acceptsEncodings('br', 'gzip', 'identity');
  return (accepted === 'br' || accepted === 'gzip') && bodies.has(accepted) ? accepted : 'identity';
}

/**
 * All files at once: they are few, and a request can then ask for nothing but what the build has
 * made.
 */
async function load(directory: URL): Promise<ReadonlyMap<string, ConsoleFile>> {
  const names = await namesIn(directory);
  const plain = names.filter((name) => !/\.(br|gz)$/.test(name));
  const entries = plain.map(async (name): Promise<[string, ConsoleFile]> => {
    const bodies = new Map<Encoding, Buffer>();
    for (const encoding of ['br', 'gzip', 'identity'] as const) {
      const file = name + SUFFIX[encoding];
      if (names.includes(file)) bodies.set(encoding, await readFile(new URL(file, directory)));
    }
    const etag = hash('sha256', bodies.get('identity') ?? '', 'base64url').slice(0, 24);
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
    return [name, { type, etag, bodies }];
  });
  return new Map(await Promise.all(entries));
}

async function namesIn(directory: URL): Promise<string[]> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const root = directory.pathname.replace(/\/$/, '');
    return entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => `${parentPath.replace(/\/$/, '')}/${name}`.slice(root.length + 1));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
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
