import { readClock } from '../clock.js';
import { accessToken } from './session.js';
import { type Timing, timedFetch } from './timed-fetch.js';

export interface SendOptions extends Timing {
  body?: BodyInit;
  headers?: Readonly<Record<string, string>>;
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
  const response = await timedFetch(path, { ...options, method, headers });
  readClock(response, sentAt);
  return response;
}
