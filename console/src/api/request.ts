import { accessToken, dropSession } from './session.js';

/** A reply that says no: the engine's own sentence, and the word to match on. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export interface RequestOptions {
  query?: Readonly<Record<string, string | number | boolean | undefined>>;
  json?: unknown;
  body?: BodyInit;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
}

/** One request of the HTTP API with the session's token. Throws `ApiError` for whatever is not a 2xx. */
export async function request(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
  const token = await accessToken();
  const headers = new Headers(options.headers);
  if (token !== null) headers.set('Authorization', `Bearer ${token}`);
  if (options.json !== undefined) headers.set('Content-Type', 'application/json');
  const body = options.json === undefined ? options.body : JSON.stringify(options.json);
  const response = await send(path + queryText(options.query), {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  if (response.ok) return response;
  const error = await errorOf(response);
  if (error.status === 401) dropSession();
  throw error;
}

/** The same, for replies that are JSON. The engine is trusted with the shape, which its tests hold. */
export async function call<T>(method: string, path: string, options?: RequestOptions): Promise<T> {
  return (await (await request(method, path, options)).json()) as T;
}

async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, 'unreachable', 'The engine cannot be reached. It may be stopped or restarting.');
  }
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

function queryText(query: RequestOptions['query'] = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
