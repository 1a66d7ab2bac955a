import { ENCODINGS } from './decode.js';

/**
 * What a caller may not set: the connection is ours. `host` above all, since a name that was never
 * checked would choose the site behind a shared address.
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

/**
 * The headers to send: names in lower case, none of ours, a user agent, which many APIs insist on,
 * and what can be decoded.
 */
export function outgoing(headers: Readonly<Record<string, string>>): Map<string, string> {
  const sent = new Map([
    ['user-agent', 'orama-functions'],
    ['accept-encoding', ENCODINGS],
  ]);
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

/**
 * Names and values as they came, by turns: one string per name in lower case, several values joined
 * as HTTP joins them; cookies, which hold commas, as a list.
 */
export function incoming(rawHeaders: readonly string[]): Record<string, string | string[]> {
  const received = new Map<string, string[]>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = String(rawHeaders[at]).toLowerCase();
    const values = received.get(name) ?? [];
    values.push(String(rawHeaders[at + 1]));
    received.set(name, values);
  }
  // Not by assignment: a server may name a header __proto__.
  return Object.fromEntries(
    [...received].map(([name, values]) => [name, name === 'set-cookie' ? values : values.join(', ')]),
  );
}
