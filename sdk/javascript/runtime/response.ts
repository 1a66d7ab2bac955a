import { Body, type Carried, type Content, dictionary, extract, JsonText } from './body.js';
import { Headers, type HeadersInit } from './headers.js';

export interface ResponseInit {
  status?: number;
  statusText?: string;
  headers?: HeadersInit;
}

/** Statuses of responses without a body (Fetch standard). */
const EMPTY = new Set([101, 103, 204, 205, 304]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** A valid reason phrase (RFC 9112 §4). */
const REASON = /^[\t\x20-\x7e\x80-\xff]*$/;

export class Response extends Body {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  type = 'default';
  url = '';
  redirected = false;

  constructor(body?: unknown, given?: ResponseInit | null) {
    const init = dictionary(given);
    const extracted = extract(body);
    super(extracted);
    const status = init.status === undefined ? 200 : Math.trunc(Number(init.status));
    if (!(status >= 200 && status <= 599)) {
      throw new RangeError(`The status of a response must be 200 to 599, not ${init.status}`);
    }
    this.status = status;
    this.statusText = String(init.statusText ?? '');
    if (!REASON.test(this.statusText))
      throw new TypeError('The statusText of a response has a character that none may have');
    this.headers = new Headers(init.headers ?? undefined);
    if (body === null || body === undefined) return;
    if (EMPTY.has(this.status))
      throw new TypeError(`A response with status ${this.status} cannot have a body`);
    if (extracted.type !== null && !this.headers.has('content-type')) {
      this.headers.set('content-type', extracted.type);
    }
  }

  get ok(): boolean {
    return this.status >= 200 && this.status <= 299;
  }

  clone(): Response {
    const { status, statusText, headers } = this;
    const copy = Response.#with(status, { statusText, headers }, this.share());
    copy.type = this.type;
    copy.url = this.url;
    copy.redirected = this.redirected;
    return copy;
  }

  /** Creates the response to a request; used by the runtime. */
  static received(status: number, headers: Headers, content: Content): Response {
    const carried = { content: EMPTY.has(status) ? null : content, stream: null };
    const response = Response.#with(status, { headers }, carried);
    response.type = 'basic';
    return response;
  }

  /**
   * Creates a response with any status: a server may send one that the constructor does not accept,
   * and that of `Response.error()` is 0.
   */
  static #with(status: number, init: Omit<ResponseInit, 'status'>, carried: Carried): Response {
    const response = Body.fill(new Response(null, init), carried);
    Object.defineProperty(response, 'status', { value: status });
    return response;
  }

  static json(value: unknown, init?: ResponseInit | null): Response {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError('The value is not JSON serializable');
    return new Response(new JsonText(text), init);
  }

  static redirect(url: string | URL, status = 302): Response {
    if (!REDIRECTS.has(status)) throw new RangeError(`${status} is not the status of a redirect`);
    return new Response(null, { status, headers: { location: new URL(String(url)).href } });
  }

  static error(): Response {
    const response = Response.#with(0, {}, { content: null, stream: null });
    response.type = 'error';
    return response;
  }
}
