import { Body, type Content, dictionary, extract } from './body.js';
import { AbortController, AbortSignal } from './events.js';
import { Headers, type HeadersInit } from './headers.js';

export interface RequestInit {
  method?: string;
  headers?: HeadersInit;
  body?: unknown;
  signal?: AbortSignal | null;
  redirect?: string;
}

const NORMALIZED = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']);
const FORBIDDEN = new Set(['CONNECT', 'TRACE', 'TRACK']);
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const REDIRECTS = new Set(['follow', 'manual', 'error']);
const BODILESS = new Set(['GET', 'HEAD']);

class Given {
  constructor(
    readonly url: string,
    readonly method: string,
    readonly headers: Headers,
    readonly content: Content | null,
  ) {}
}

export class Request extends Body {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly redirect: string;
  #signal: AbortSignal | null;

  constructor(input: string | URL | Request | Given, options?: RequestInit | null) {
    const init = dictionary(options);
    if (input instanceof Given) {
      super({ content: input.content, stream: null });
      this.url = input.url;
      this.method = input.method;
      this.headers = input.headers;
      this.redirect = 'follow';
      this.#signal = null;
      return;
    }
    const from = input instanceof Request ? input : null;
    const method = methodOf(init.method ?? from?.method ?? 'GET');
    const given = init.body !== undefined && init.body !== null;
    if (given && BODILESS.has(method))
      throw new TypeError(`Request with ${method} method cannot have a body`);
    const extracted = given
      ? extract(init.body)
      : { type: null, ...(from === null ? { content: null, stream: null } : from.transfer()) };
    super(extracted);
    this.method = method;
    this.url = from === null ? parse(String(input)) : from.url;
    this.headers = new Headers(init.headers ?? from?.headers);
    if (extracted.type !== null && !this.headers.has('content-type')) {
      this.headers.set('content-type', extracted.type);
    }
    this.redirect = init.redirect ?? from?.redirect ?? 'follow';
    if (!REDIRECTS.has(this.redirect))
      throw new TypeError(`The redirect mode of a request is follow, manual or error, not ${this.redirect}`);
    this.#signal = init.signal === undefined ? (from?.signal ?? null) : init.signal;
    if (this.#signal !== null && !(this.#signal instanceof AbortSignal))
      throw new TypeError('The signal of a request must be an AbortSignal');
  }

  get signal(): AbortSignal {
    this.#signal ??= new AbortController().signal;
    return this.#signal;
  }

  clone(): Request {
    const copy = new Request(this.url, {
      method: this.method,
      headers: this.headers,
      signal: this.signal,
      redirect: this.redirect,
    });
    return withBody(copy, this.share());
  }
}

/** Creates the request of an invocation, whose parts the engine has already validated. */
export function incoming(url: string, method: string, headers: Headers, content: Content | null): Request {
  return new Request(new Given(url, method, headers, content));
}

function withBody(request: Request, body: ReturnType<Request['share']>): Request {
  return Body.fill(request, body);
}

function parse(url: string): string {
  const { href, username, password } = new URL(url);
  if (username !== '' || password !== '')
    throw new TypeError(`The URL of a request cannot hold credentials: ${href}`);
  return href;
}

function methodOf(method: string): string {
  const upper = method.toUpperCase();
  if (!METHOD.test(method) || FORBIDDEN.has(upper))
    throw new TypeError(`'${method}' is not a method for a request`);
  return NORMALIZED.has(upper) ? upper : method;
}
