import { CONNECTION_HEADERS } from '../contract/connection-headers.js';
import { ENCODINGS } from './decode.js';

/**
 * Headers that a caller must not set, since they concern the connection. `host` is the most
 * important: an unchecked name would select the site behind a shared address.
 */
const OURS: ReadonlySet<string> = new Set([...CONNECTION_HEADERS, 'expect', 'host', 'proxy-connection']);

/** Headers that are not forwarded to another origin on a redirect. */
const CREDENTIALS = ['authorization', 'cookie'];

/** Headers that describe a body, removed when a redirect drops the body. */
const OF_BODY = ['content-type', 'content-encoding', 'content-language', 'content-location'];

/**
 * Returns the headers to send: names in lower case, without reserved ones, with a default user
 * agent (many APIs require one) and the supported encodings.
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
 * Converts the raw headers (alternating names and values) to one string per lower-case name.
 * Repeated fields are joined with a comma (RFC 9110 §5.3), except `set-cookie`, whose values
 * contain commas and are returned as a list.
 */
export function incoming(rawHeaders: readonly string[]): Record<string, string | string[]> {
  const received = new Map<string, string[]>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = String(rawHeaders[at]).toLowerCase();
    const values = received.get(name) ?? [];
    values.push(String(rawHeaders[at + 1]));
    received.set(name, values);
  }
  // Not by assignment: a server may send a header named __proto__.
  return Object.fromEntries(
    [...received].map(([name, values]) => [name, name === 'set-cookie' ? values : values.join(', ')]),
  );
}
