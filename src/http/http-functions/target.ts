import type { IncomingMessage } from 'node:http';
import { withNamespace } from '../../contract/functions-host.js';
import { type Namespace, namespaceSchema } from '../../contract/ids.js';
import { AppError } from '../../errors.js';
import { assertNoFragment } from '../request/request-target.js';

/** The target of a request to the functions' listener. */
export interface RequestTarget {
  namespace: Namespace;
  /** The path to match against routes, as sent: percent-encoded, without the namespace. */
  path: string;
  /** The complete path as sent, including the namespace if it is part of the path. */
  fullPath: string;
  /** The query string without the `?`. */
  search: string;
}

/**
 * Where requests name the namespace: in the path, or in the host name
 * (`{namespace}.fn.example.com`).
 */
export type Addressing = { kind: 'path' } | { kind: 'host'; pattern: HostPattern };

export interface HostPattern {
  /** Returns the namespace of a host, or null if the host does not match the pattern. */
  namespaceOf(host: string | undefined): string | null;
  /** Throws `invalid_request` for a namespace that `namespaceOf` returns for no host. */
  hostOf(namespace: Namespace): string;
}

/** Parses FUNCTIONS_HOST, such as `{namespace}.fn.example.com`. */
export function parseHostPattern(text: string): HostPattern {
  const pattern = text.toLowerCase();
  const [before = '', after = ''] = pattern.split('{namespace}');
  return {
    hostOf: (namespace) => withNamespace(pattern, namespace),
    namespaceOf(host) {
      // Host names are case-insensitive, but namespaces are not: those with capital letters are
      // not reachable by host.
      // Neither the dot at the end of a complete name nor an empty port changes what is meant.
      const name = (host ?? '').toLowerCase().replace(/\.?(?::\d*)?$/, '');
      if (name.length <= before.length + after.length) return null;
      if (!name.startsWith(before) || !name.endsWith(after)) return null;
      const namespace = name.slice(before.length, name.length - after.length);
      return namespace.includes('.') ? null : namespace;
    },
  };
}

/**
 * Parses the target of a request. Throws `not_found` for an invalid namespace, and
 * `invalid_request` for an ambiguous path.
 */
export function parseTarget(request: IncomingMessage, addressing: Addressing): RequestTarget {
  const url = request.url ?? '/';
  assertNoFragment(url);
  const cut = url.indexOf('?');
  const fullPath = cut < 0 ? url : url.slice(0, cut);
  const search = cut < 0 ? '' : url.slice(cut + 1);
  assertPlainPath(fullPath);
  if (addressing.kind === 'host') {
    const namespace = addressing.pattern.namespaceOf(request.headers.host);
    return { namespace: addressedNamespace(namespace), path: fullPath, fullPath, search };
  }
  const end = fullPath.indexOf('/', 1);
  const first = end < 0 ? fullPath.slice(1) : fullPath.slice(1, end);
  const path = end < 0 ? '/' : fullPath.slice(end);
  return { namespace: addressedNamespace(decodeURIComponent(first)), path, fullPath, search };
}

function addressedNamespace(text: string | null): Namespace {
  const parsed = namespaceSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new AppError('not_found', 'There is no function at this address.');
}

/**
 * Throws `invalid_request` for paths that proxies and programs may interpret differently, so that
 * access rules in front of the engine cannot be bypassed: dot segments (RFC 3986 §5.2.4), encoded
 * or not, control characters, backslashes, and invalid percent-encoding.
 */
function assertPlainPath(path: string): void {
  if (!path.startsWith('/')) throw unreadable('it does not begin with "/"');
  for (const segment of path.split('/')) {
    let decoded: string;
    try {
      decoded = decodeURIComponent(segment);
    } catch {
      throw unreadable('it has a "%" that encodes nothing');
    }
    if (decoded === '.' || decoded === '..') throw unreadable('it has a "." or ".." segment');
    if (CONTROL.test(decoded)) throw unreadable('it has a control character');
    if (decoded.includes('\\')) throw unreadable('it has a backslash');
  }
}

const CONTROL = /\p{Cc}/u;

function unreadable(why: string): AppError {
  return new AppError('invalid_request', `The path is refused: ${why}; send it in its plain form.`);
}
