/** A response with its complete body. */
export interface ApiReply {
  status: number;
  headers: Headers;
  text: string;
  json: JsonValue;
}

/** Typed like the result of `JSON.parse`, since each test asserts on the value. */
export type JsonValue = ReturnType<typeof JSON.parse>;

export interface ApiRequest {
  headers?: Record<string, string>;
  body?: string | Uint8Array | FormData;
  signal?: AbortSignal;
}

/** Client of the HTTP API that uses plain fetch and no product code. */
export class Api {
  constructor(
    readonly url: string,
    readonly key?: string,
  ) {}

  /** Returns a client of the same engine with another key, or without one. */
  as(key?: string): Api {
    return new Api(this.url, key);
  }

  async request(
    method: string,
    path: string,
    { headers = {}, body, signal }: ApiRequest = {},
  ): Promise<ApiReply> {
    const response = await fetch(this.url + path, {
      method,
      headers: { ...(this.key ? { 'x-api-key': this.key } : {}), ...headers },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' || body instanceof FormData ? body : Buffer.from(body) }),
      ...(signal ? { signal } : {}),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parse(text) };
  }

  get(path: string, headers?: Record<string, string>): Promise<ApiReply> {
    return this.request('GET', path, headers ? { headers } : {});
  }

  post(path: string, value: unknown, headers: Record<string, string> = {}): Promise<ApiReply> {
    return this.request('POST', path, {
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(value),
    });
  }

  put(path: string, value: unknown): Promise<ApiReply> {
    return this.request('PUT', path, {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(value),
    });
  }

  delete(path: string): Promise<ApiReply> {
    return this.request('DELETE', path);
  }

  /** Deploys a module with the given form fields. */
  deploy(
    name: string,
    wasm: Uint8Array,
    fields: Record<string, string> = {},
    query: '' | '?dry_run=true' = '',
  ): Promise<ApiReply> {
    const form = new FormData();
    form.set('name', name);
    for (const [key, value] of Object.entries(fields)) form.set(key, value);
    form.set('wasm', new Blob([Buffer.from(wasm)], { type: 'application/wasm' }), 'function.wasm');
    return this.request('POST', `/v1/functions${query}`, { body: form });
  }

  invoke(name: string, input: string | Uint8Array, headers: Record<string, string> = {}): Promise<ApiReply> {
    return this.request('POST', `/v1/functions/${name}/invoke`, { headers, body: input });
  }

  publish(topic: string, data: unknown): Promise<ApiReply> {
    return this.post('/v1/pubsub/publish', { topic, data });
  }
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
