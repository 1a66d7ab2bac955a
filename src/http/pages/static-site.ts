import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context } from 'koa';
import { nodeErrorCode } from '../../node-error-code.js';
import { isUnchanged } from '../response/send.js';

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  png: 'image/png',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
};

type Encoding = 'br' | 'gzip' | 'identity';
const SUFFIX: Readonly<Record<Encoding, string>> = { br: '.br', gzip: '.gz', identity: '' };

interface StaticFile {
  type: string;
  etag: string;
  bodies: ReadonlyMap<Encoding, Buffer>;
}

/** Files by their path relative to the directory, with precompressed variants. */
export type StaticSite = ReadonlyMap<string, StaticFile>;

/**
 * Loads all files: they are few, and requests can then access only files of the build. Empty if the
 * directory does not exist.
 */
export async function loadSite(directory: URL): Promise<StaticSite> {
  const root = fileURLToPath(directory);
  const names = await namesIn(root);
  const plain = names.filter((name) => !/\.(br|gz)$/.test(name));
  const entries = plain.map(async (name): Promise<[string, StaticFile]> => {
    const bodies = new Map<Encoding, Buffer>();
    for (const encoding of ['br', 'gzip', 'identity'] as const) {
      const file = name + SUFFIX[encoding];
      if (names.includes(file)) bodies.set(encoding, await readFile(join(root, file)));
    }
    const etag = hash('sha256', bodies.get('identity') ?? '', 'base64url').slice(0, 24);
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
    return [name, { type, etag, bodies }];
  });
  return new Map(await Promise.all(entries));
}

/**
 * Sends a file. Files under `assets/` have content hashes in their names and are cached by clients;
 * all others are revalidated.
 */
export function sendStatic(
  ctx: Context,
  file: StaticFile,
  { isAsset, headers }: { isAsset: boolean; headers: Readonly<Record<string, string>> },
): void {
  const encoding = encodingFor(ctx, file);
  ctx.set(headers);
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
}

function encodingFor(ctx: Context, { bodies }: StaticFile): Encoding {
  const accepted = ctx.acceptsEncodings('br', 'gzip', 'identity');
  return (accepted === 'br' || accepted === 'gzip') && bodies.has(accepted) ? accepted : 'identity';
}

async function namesIn(root: string): Promise<string[]> {
  try {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(root, join(parentPath, name)).replaceAll(sep, '/'));
  } catch (error) {
    if (nodeErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
