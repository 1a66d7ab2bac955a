import type { IncomingHttpHeaders } from 'undici/types/header.js';

/**
 * What a caller may not set: the connection is ours. `host` above all, since a name that was never checked would
 * choose the site behind a shared address.
 */
const OURS = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What is not carried to another origin. */
const CREDENTIALS = ['authorization', 'cookie'];

/** What describes a body that a redirect has dropped. */
const OF_BODY = ['content-type', 'content-encoding', 'content-language', 'content-location'];

/** The headers to send: names in lower case, none of ours, and a user agent, which many APIs insist on. */
export function outgoing(headers: Readonly<Record<string, string>>): Map<string, string> {
  const sent = new Map([['user-agent', 'orama-functions']]);
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (!OURS.has(lower)) sent.set(lower, value);
  }
  return sent;
}

export function dropCredentials(headers: Map<string, string>): void {
  for (const name of CREDENTIALS) headers.delete(name);
}

export function dropBodyHeaders(headers: Map<string, string>): void {
  for (const name of OF_BODY) headers.delete(name);
}

/** One string per name, several values joined as HTTP joins them. */
export function incoming(headers: IncomingHttpHeaders): Record<string, string> {
  const received: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) received.push([name, Array.isArray(value) ? value.join(', ') : value]);
  }
  // Not by assignment: a server may name a header __proto__.
  return Object.fromEntries(received);
}
