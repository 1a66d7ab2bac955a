import type { IncomingMessage } from 'node:http';
import { parseUrl } from '../../contract/parse-url.js';
import { shorten } from '../../contract/show.js';
import { AppError } from '../../errors.js';
import { isHost } from './host-header.js';

/** Any base; only the rest of the URL is used. */
const BASE = 'http://host';

/**
 * Parses the target of a request: a path with its query, or a URL (RFC 9112 §3.2). Throws
 * `invalid_request` for one that is neither, which Node passes on.
 */
export function targetUrl({ url = '' }: Pick<IncomingMessage, 'url'>): URL {
  assertNoFragment(url);
  // A path that begins with two slashes would be read as a host.
  const target = url.startsWith('/') ? BASE + url : url;
  const parsed = parseUrl(target);
  if (parsed !== null) return parsed;
  throw notTarget();
}

/**
 * Returns the parameters of a query. Throws `invalid_request` for one that was given several times.
 */
export function parametersOf({ searchParams }: URL): Record<string, string> {
  const parameters: Record<string, string> = Object.create(null);
  for (const [key, value] of searchParams) {
    if (key in parameters)
      throw new AppError('invalid_request', `${shorten(key)} was given more than once; give it once.`);
    parameters[key] = value;
  }
  return parameters;
}

/**
 * Throws `invalid_request` for a target with a fragment, which RFC 9112 §3.2 does not allow: a
 * proxy with rules for paths may take it as part of the path, and the engine would not.
 */
export function assertNoFragment(url: string): void {
  if (!url.includes('#')) return;
  throw new AppError(
    'invalid_request',
    'The target of the request has a "#"; send it as %23, or leave it out.',
  );
}

/** Throws `invalid_request` for a target that cannot be parsed. `*` stands for the whole server. */
export function assertTarget(request: Pick<IncomingMessage, 'url'>): void {
  assertNoFragment(request.url ?? '');
  // Most targets are paths, of which nothing is refused.
  if (request.url?.startsWith('/') || request.url === '*') return;
  targetUrl(request);
}

/** A target in absolute form (RFC 9112 §3.2.2): authority, then path and query as they are. */
const ABSOLUTE = /^https?:\/\/([^/?]+)(.*)$/i;

/**
 * Returns the host that a request is for: that of a target in absolute form, which a server must
 * use instead of the header `Host` (RFC 9112 §3.2.2).
 */
export function requestedHost({ url = '', headers }: IncomingMessage): string | undefined {
  return ABSOLUTE.exec(url)?.[1] ?? headers.host;
}

/**
 * Rewrites a target in absolute form to the path and the host that it names. The path is not
 * normalized. Throws `invalid_request` if it names no host.
 */
export function toOriginForm(request: IncomingMessage): void {
  const match = ABSOLUTE.exec(request.url ?? '');
  if (match === null) return;
  const [, authority = '', rest = ''] = match;
  if (!isHost(authority)) throw notTarget();
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  request.headers.host = authority;
}

function notTarget(): AppError {
  return new AppError('invalid_request', 'The target of the request is neither a path nor a URL.');
}
