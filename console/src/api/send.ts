import { readClock } from '../clock.js';
import { dropSession, type Session, sessionAfter, validSession } from './session.js';
import { type Timing, timedFetch } from './timed-fetch.js';

export interface SendOptions extends Timing {
  body?: BodyInit;
  headers?: Readonly<Record<string, string>>;
  /**
   * Sends no token, for requests that open a session: what they are refused for is not the token.
   */
  isAnonymous?: boolean;
  /** Takes a 401 as any other response, for requests that may be refused for something else. */
  keepsSession?: boolean;
}

type Sent = Omit<SendOptions, 'isAnonymous' | 'keepsSession'>;

/**
 * Sends a request to the engine with the session's token. Resolves with any response, whatever its
 * status. If the token is refused, the session is renewed and the request repeated once: the engine
 * refuses a token before it does anything else. A session whose new token is refused has ended.
 */
export async function send(method: string, path: string, options: SendOptions = {}): Promise<Response> {
  const { isAnonymous = false, keepsSession = false, ...others } = options;
  const session = isAnonymous ? null : await validSession();
  const response = await sendAs(session, method, path, others);
  if (response.status !== 401 || session === null || keepsSession) return response;
  const renewed = await sessionAfter(session);
  if (renewed === null) return response;
  const repeated = await sendAs(renewed, method, path, others);
  if (repeated.status === 401) dropSession(renewed);
  return repeated;
}

async function sendAs(
  session: Session | null,
  method: string,
  path: string,
  options: Sent,
): Promise<Response> {
  const headers = new Headers(options.headers);
  if (session !== null) headers.set('Authorization', `Bearer ${session.accessToken}`);
  const sentAt = Date.now();
  const response = await timedFetch(path, { ...options, method, headers });
  readClock(response, sentAt);
  return response;
}
