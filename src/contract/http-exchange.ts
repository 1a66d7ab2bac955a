import * as z from 'zod';
import { CONNECTION_HEADERS } from './connection-headers.js';

/** The result of `http_request()` (contract §8) as JSON. */
export interface HttpExchangeRequest {
  method: string;
  /** The URL as the client sees it. */
  url: string;
  /** The complete path, including the namespace if it is part of it. */
  path: string;
  query: Record<string, string[]>;
  params: Record<string, string>;
  headers: Record<string, string>;
  remote_address: string;
  namespace: string;
  /** The matched route, such as `GET /users/{id}`; null for the function's own address. */
  route: string | null;
}

/** The response that a function sets with `http_respond`. */
export interface HttpExchangeResponse {
  status: number;
  headers: Record<string, string | string[]>;
}

/** What became of a function's calls of `http_respond`; the last call counts. */
export type GuestResponse =
  | { kind: 'none' }
  /** The client gets 502. */
  | { kind: 'invalid' }
  | { kind: 'set'; response: HttpExchangeResponse };

/**
 * A `GuestResponse` on its way from the guest's thread to the server that answers, and in the
 * store; null or absent for `none`. Only `encodeResponse` and `decodeResponse` know what is in it.
 */
export type ResponseText = string;

export function encodeResponse(set: Exclude<GuestResponse, { kind: 'none' }>): ResponseText {
  return JSON.stringify(set.kind === 'set' ? set.response : null);
}

export function decodeResponse(text: ResponseText | null | undefined): GuestResponse {
  if (text === null || text === undefined) return { kind: 'none' };
  const response = JSON.parse(text) as HttpExchangeResponse | null;
  return response === null ? { kind: 'invalid' } : { kind: 'set', response };
}

/**
 * Headers that a function must not set: connection-specific ones (RFC 9110 §7.6.1) and those of the
 * engine.
 */
const RESERVED: ReadonlySet<string> = new Set([
  ...CONNECTION_HEADERS,
  'proxy-authenticate',
  'proxy-connection',
  // Identifies the invocation to the client.
  'x-request-id',
]);
const RESERVED_PREFIX = 'x-orama-';

const MAX_HEADERS = 100;
const MAX_HEADER_BYTES = 16 << 10;

const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

const headersSchema = z.record(z.string(), z.union([z.string(), z.array(z.string())]));

export type ParsedResponse =
  | { ok: true; response: HttpExchangeResponse; notes: string[] }
  /** The client gets 502; the message appears in the invocation's log. */
  | { ok: false; reason: string };

/**
 * Validates the arguments of `http_respond`. Headers that a function must not set are dropped with
 * a note.
 */
export function parseResponse(status: number, headersJson: string): ParsedResponse {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    return { ok: false, reason: `the status is ${status}; it must be from 200 to 599` };
  }
  const given = readHeaders(headersJson);
  if (given === null) {
    return { ok: false, reason: 'the headers must be a JSON object of strings or arrays of strings' };
  }
  // Without a prototype, so that a header named __proto__ is handled like any other.
  const headers: HttpExchangeResponse['headers'] = Object.create(null);
  const notes: string[] = [];
  let count = 0;
  let bytes = 0;
  for (const [name, value] of Object.entries(given)) {
    const lower = name.toLowerCase();
    if (RESERVED.has(lower) || lower.startsWith(RESERVED_PREFIX)) {
      notes.push(`http_respond: the header "${name.slice(0, 80)}" is set by the engine and was left out`);
      continue;
    }
    const values = Array.isArray(value) ? value : [value];
    if (!isSendable(name, values)) {
      notes.push(
        `http_respond: the header ${JSON.stringify(name.slice(0, 80))} has a name or value that HTTP does not allow and was left out`,
      );
      continue;
    }
    count += values.length;
    bytes += values.reduce((sum, each) => sum + name.length + Buffer.byteLength(each, 'latin1') + 4, 0);
    headers[name] = value;
  }
  if (count > MAX_HEADERS || bytes > MAX_HEADER_BYTES) {
    return {
      ok: false,
      reason: `it has ${count} headers of ${bytes} bytes; at most ${MAX_HEADERS} of ${MAX_HEADER_BYTES} bytes (16 KB) are allowed`,
    };
  }
  return { ok: true, response: { status, headers }, notes };
}

function readHeaders(json: string): Record<string, string | string[]> | null {
  if (json.trim() === '') return {};
  try {
    const parsed = headersSchema.safeParse(JSON.parse(json));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/**
 * Checks field names and values (RFC 9110 §5.1, §5.5). Node's own check is not used, since loading
 * node:http would slow down the start of guest threads.
 */
function isSendable(name: string, values: readonly string[]): boolean {
  return FIELD_NAME.test(name) && values.every((value) => FIELD_VALUE.test(value));
}
