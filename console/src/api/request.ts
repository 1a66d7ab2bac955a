import { ApiError } from './error.js';
import { type SendOptions, send } from './send.js';
import { dropSession } from './session.js';

export interface RequestOptions extends SendOptions {
  query?: Readonly<Record<string, string | number | boolean | undefined>>;
  json?: unknown;
}

/** One request of the HTTP API with the session's token. Throws `ApiError` for whatever is not a 2xx. */
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

/** Throws what a reply that says no has said. */
export async function assertOk(response: Response): Promise<void> {
  if (response.ok) return;
  const error = await errorOf(response);
  if (error.status === 401) dropSession();
  throw error;
}

/** The same, for replies that are JSON. The engine is trusted with the shape, which its tests hold. */
export async function call<T>(method: string, path: string, options?: RequestOptions): Promise<T> {
  return (await (await request(method, path, options)).json()) as T;
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  try {
    const { error, code } = JSON.parse(text) as { error?: string; code?: string };
    return new ApiError(response.status, code ?? '', error ?? `HTTP ${response.status}`);
  } catch {
    return new ApiError(response.status, '', text.slice(0, 1000) || `HTTP ${response.status}`);
  }
}

export function queryText(query: RequestOptions['query'] = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}
