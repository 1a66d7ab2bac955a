import { readClock } from '../clock.js';
import { unreachable } from './error.js';
import { accessToken } from './session.js';

export interface SendOptions {
  body?: BodyInit;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
}

/**
 * Sends a request to the engine with the session's token. Resolves with any response, whatever its
 * status.
 */
export async function send(method: string, path: string, options: SendOptions = {}): Promise<Response> {
  const token = await accessToken();
  const headers = new Headers(options.headers);
  if (token !== null) headers.set('Authorization', `Bearer ${token}`);
  const sentAt = Date.now();
  try {
    const response = await fetch(path, {
      method,
      headers,
      ...(options.body === undefined ? {} : { body: options.body }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
    readClock(response, sentAt);
    return response;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw unreachable();
  }
}
