import type { z } from 'zod';
import type { loginReplySchema } from '../../../src/contract/http/auth.js';
import { ApiError, errorOf, jsonOf } from './error.js';
import { timedFetch } from './timed-fetch.js';

type Login = z.infer<typeof loginReplySchema>;

export interface Session {
  accessToken: string;
  refreshToken: string;
  /** When the access token expires, in Unix milliseconds. */
  expiresAt: number;
  namespace: string;
  subject: string;
}

/**
 * Session storage belongs to one tab and one origin. Cookies would also be sent to HTTP functions
 * on other ports of the same host.
 */
const STORAGE_KEY = 'orama.session';
/** A token that expires sooner than this is renewed before it is used. */
const MIN_LIFE_MS = 60_000;
/**
 * Duplicated tabs share a refresh token, which can be used once: the first tab that uses it sends
 * the new session to the others.
 */
const channel = new BroadcastChannel('orama.session');

let current: Session | null = read();
let renewal: Promise<Session | null> | null = null;
let isRejected = false;
const listeners = new Set<() => void>();

channel.onmessage = ({ data }: MessageEvent<{ from: string; session: Session | null }>) => {
  if (current === null || current.refreshToken !== data.from) return;
  set(data.session);
};

export function session(): Session | null {
  return current;
}

/** Returns whether the last session was ended by the engine and not by the user. */
export function sessionWasRejected(): boolean {
  return isRejected;
}

/** Identifies whose session it is; a renewed one is of the same user. */
export function userOf(of: Session | null): string | undefined {
  return of === null ? undefined : `${of.namespace} ${of.subject}`;
}

export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function openSession(login: Login): void {
  isRejected = false;
  set(fromLogin(login));
}

/** Ends the session in this tab immediately, and then on the server. */
export async function endSession(): Promise<void> {
  const ended = current;
  if (ended === null) return;
  set(null);
  channel.postMessage({ from: ended.refreshToken, session: null });
  await fetch('/v1/auth/logout', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ refresh_token: ended.refreshToken }),
    keepalive: true,
  }).catch(() => undefined);
}

/** Drops a session that the server no longer accepts, unless another has replaced it. */
export function dropSession(refused: Session): void {
  if (current?.accessToken !== refused.accessToken) return;
  isRejected = true;
  set(null);
}

/**
 * Resolves with the session, whose access token is valid for at least MIN_LIFE_MS, or null without
 * one. Throws an `ApiError` if the session cannot be renewed now, or if that of somebody else has
 * been opened meanwhile, which must not send the request.
 */
export async function validSession(): Promise<Session | null> {
  const old = current;
  if (old === null || old.expiresAt - Date.now() > MIN_LIFE_MS) return old;
  const renewed = await renewOnce(old);
  if (renewed === null || userOf(renewed) === userOf(old)) return renewed;
  throw new ApiError(0, 'cancelled', 'Not sent, because somebody else has signed in meanwhile.');
}

/**
 * Resolves with a session to repeat a request with whose token was refused; null if there is none.
 * The engine may have forgotten an access token whose session it still renews. A session of
 * somebody else, opened since the request was sent, must not repeat it.
 */
export async function sessionAfter(refused: Session): Promise<Session | null> {
  const isSame = (next: Session | null) => userOf(next) === userOf(refused);
  if (current === null || !isSame(current)) return null;
  const next = current.accessToken === refused.accessToken ? await renewOnce(current) : current;
  return isSame(next) ? next : null;
}

function renewOnce(old: Session): Promise<Session | null> {
  renewal ??= renew(old).finally(() => {
    renewal = null;
  });
  return renewal;
}

async function renew(old: Session): Promise<Session | null> {
  // Web locks exist only in secure contexts. Without them, two duplicated tabs may refresh at the
  // same time and must then sign in again.
  const locks: LockManager | undefined = navigator.locks;
  const isCurrent = () => current?.refreshToken === old.refreshToken;
  const work = async () => {
    if (!isCurrent()) return current;
    const response = await timedFetch('/v1/auth/refresh', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ refresh_token: old.refreshToken }),
      isChange: false,
    });
    if (!response.ok) {
      // Only a rejection ends the session: a restarting engine will accept the token again.
      if (response.status !== 401 && response.status !== 403) throw await errorOf(response);
      dropSession(old);
      return current;
    }
    const renewed = fromLogin(await jsonOf<Login>(response));
    // The user may have signed out meanwhile. The server ends all tokens of a login together.
    if (!isCurrent()) return current;
    set(renewed);
    channel.postMessage({ from: old.refreshToken, session: renewed });
    return renewed;
  };
  return locks ? locks.request(STORAGE_KEY, work) : work();
}

function fromLogin(login: Login): Session {
  return {
    accessToken: login.access_token,
    refreshToken: login.refresh_token,
    expiresAt: Date.now() + login.expires_in * 1000,
    namespace: login.namespace,
    subject: login.subject,
  };
}

function set(next: Session | null): void {
  current = next;
  if (next === null) sessionStorage.removeItem(STORAGE_KEY);
  else sessionStorage.setItem(STORAGE_KEY, JSON.stringify(next));
  for (const listener of listeners) listener();
}

function read(): Session | null {
  // Outside every boundary: an error here would leave the page blank.
  try {
    return JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? 'null') as Session | null;
  } catch {
    return null;
  }
}
