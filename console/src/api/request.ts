import { errorOf, jsonOf } from './error.js';
import { type SendOptions, send } from './send.js';

export interface RequestOptions extends SendOptions {
  query?: Readonly<Record<string, string | number | boolean | undefined>>;
  json?: unknown;
}

/**
 * Sends a request to the HTTP API with the session's token. Throws an `ApiError` for a response
 * other than 2xx.
 */
export async function request(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
  const { query, json, ...others } = options;
  const response = await send(method, path + queryText(query), {
    ...others,
    ...(json === undefined
      ? {}
      : {
          body: JSON.stringify(json),
          headers: { ...others.headers, 'Content-Type': 'application/json' },
        }),
  });
  await assertOk(response);
  return response;
}

/** Throws an `ApiError` for a response other than 2xx. */
export async function assertOk(response: Response): Promise<void> {
  if (!response.ok) throw await errorOf(response);
}

/** Like `request`, for JSON responses. The shape is not validated; tests of the engine cover it. */
export async function call<T>(method: string, path: string, options?: RequestOptions): Promise<T> {
  return jsonOf<T>(await request(method, path, options));
}

export function queryText(query: RequestOptions['query'] = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}
