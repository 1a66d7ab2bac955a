import { isUtf8 } from 'node:buffer';
import { InvalidArgumentError } from 'commander';
import * as z from 'zod';
import { functionRefSchema } from '../contract/function-ref.js';
import { withNamespace } from '../contract/functions-host.js';
import { HTTP_METHODS } from '../contract/http-function.js';
import { parseOrThrow } from '../contract/parse-or-throw.js';
import { AppError } from '../errors.js';
import type { Client } from './client.js';
import { deployedVersionSchema } from './deployed-settings.js';
import { codeOf } from './failure.js';
import { type RawReply, requestWithoutTimeout } from './request-without-timeout.js';
import type { CliSession } from './session.js';

export type HttpHeaders = Readonly<Record<string, string[]>>;

/** Method and path, such as `GET /users/7?x=1`. */
export interface RequestLine {
  method: string;
  path: string;
}

export interface HttpCall extends RequestLine {
  /**
   * Function whose own address the path is relative to. If undefined, the path is matched against
   * the routes of the namespace.
   */
  name: string | undefined;
  headers: HttpHeaders;
  body: Uint8Array;
}

const statusSchema = z.object({ functions_url: z.string() });
const identitySchema = z.object({ namespace: z.string().nullish() });
const LOCAL_HOSTS = new Set(['0.0.0.0', '127.0.0.1', 'localhost', '[::]', '[::1]']);

/**
 * Sends a request to the functions' listener and prints the response. Throws if its status is 400
 * or above.
 */
export async function callHttp({ client, terminal }: CliSession, call: HttpCall): Promise<void> {
  // URL parsing does not see the path, which is sent verbatim.
  if (call.name !== undefined)
    parseOrThrow(functionRefSchema, call.name, { code: 'invalid_request', name: () => 'name' });
  const { base, prefix } = await functionsAddress(client);
  const path = `${prefix}${call.name === undefined ? '' : `/${call.name}`}${call.path}`;
  const { apiKey, url: engine } = client.settings;
  // Never send the key over plain HTTP if the engine's own URL uses HTTPS.
  const carriesKey = apiKey !== undefined && (base.protocol === 'https:' || engine.startsWith('http:'));
  const reply = await requestWithoutTimeout({
    url: base,
    method: call.method,
    path,
    headers: { ...(carriesKey ? { 'x-api-key': apiKey } : {}), ...call.headers },
    body: call.body,
  });
  if (terminal.json) {
    terminal.value(asJson(call, reply));
  } else {
    terminal.bytes(reply.body);
    if (terminal.isTerminal && reply.body.at(-1) !== 10) terminal.line('');
    const type = reply.header('content-type') ?? 'no content type';
    const id = reply.header('x-request-id');
    const request = id === undefined ? '' : `, request ${id}`;
    terminal.progress(terminal.colors.dim(`${headline(call, reply)}, ${type}${request}`));
  }
  if (reply.status === 404 && call.name !== undefined) await assertHttpFunction(client, call.name);
  if (reply.status >= 400) {
    throw new AppError(codeOf(reply.status), `${call.method} ${call.path} was answered with ${reply.status}`);
  }
}

/** Throws `not_found` if the function exists but does not take HTTP requests. */
async function assertHttpFunction(client: Client, ref: string): Promise<void> {
  const path = `/v1/functions/${encodeURIComponent(ref)}/settings`;
  const reply = deployedVersionSchema.safeParse(await client.call('GET', path).catch(() => null));
  if (!reply.success || reply.data.settings.metadata.http !== undefined) return;
  const [name = ref] = ref.split('@', 1);
  throw new AppError(
    'not_found',
    `${name} is no HTTP function; add "http: {}" to its function.yaml and deploy it, or call it without --http`,
  );
}

/**
 * Returns the base URL of the namespace's functions and its path prefix, which is empty if
 * namespaces are selected by host name.
 */
async function functionsAddress(client: Client): Promise<{ base: URL; prefix: string }> {
  const namespace = await namespaceOf(client);
  const { functions_url } = statusSchema.parse(await client.call('GET', '/v1/status'));
  const byHost = functions_url.includes('{namespace}');
  const base = new URL(byHost ? withNamespace(functions_url, namespace) : functions_url);
  // An engine that listens on all addresses, or on loopback behind a tunnel, is reached through the
  // host of the engine's own URL.
  if (LOCAL_HOSTS.has(base.hostname)) base.hostname = new URL(client.settings.url).hostname;
  return { base, prefix: byHost ? '' : `/${namespace}` };
}

/** Returns the selected namespace, or else that of the credential. */
export async function namespaceOf(client: Client): Promise<string> {
  const { settings } = client;
  if (settings.namespace !== undefined) return settings.namespace;
  if (settings.apiKey === undefined) return 'default';
  return identitySchema.parse(await client.call('GET', '/v1/auth/whoami')).namespace ?? 'default';
}

/** Returns the matched route. The engine sends it only to requests with a key. */
function routeOf(reply: RawReply): string | null {
  return reply.header('x-orama-route') || null;
}

/** Formats a result: `GET /users/7: 200 by route GET /users/{id}` */
function headline({ method, path }: RequestLine, reply: RawReply): string {
  const route = routeOf(reply);
  return `${method} ${path}: ${reply.status}${route === null ? '' : ` by route ${route}`}`;
}

function asJson({ method, path }: RequestLine, reply: RawReply): unknown {
  const { status, headers, body } = reply;
  const content = isUtf8(body) ? { body: body.toString() } : { body_base64: body.toString('base64') };
  return { method, path, route: routeOf(reply), status, headers, ...content };
}

/** Parses the value of `--http`. */
export function parseRequestLine(text: string): RequestLine {
  const [, method = '', path = ''] = /^([A-Za-z]+) (\/[!-~]*)$/.exec(text) ?? [];
  const known = HTTP_METHODS.find((one) => one === method.toUpperCase());
  if (known === undefined) {
    throw new InvalidArgumentError(
      `It must be a method (${HTTP_METHODS.join(', ')}) and a path, percent-encoded, such as 'GET /users/7?x=1'.`,
    );
  }
  return { method: known, path };
}

/** Parses one `--header` and adds it to the headers. */
export function addHeader(text: string, headers: HttpHeaders = {}): HttpHeaders {
  const [, given, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*)$/.exec(text) ?? [];
  if (given === undefined || value === undefined) {
    throw new InvalidArgumentError("It must read 'Name: value', such as 'Accept: text/html'.");
  }
  const name = given.toLowerCase();
  return { ...headers, [name]: [...(headers[name] ?? []), value.trimEnd()] };
}
