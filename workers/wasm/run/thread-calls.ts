import type { HostArgs, ThreadFunctionName } from '../../../src/contract/host-functions.js';
import { encodeResponse, parseResponse } from '../../../src/contract/http-exchange.js';
import type { GuestSession, HostReply, HostValue } from './session.js';

const utf8 = new TextEncoder();

type ThreadCalls = {
  readonly [Name in ThreadFunctionName]: (session: GuestSession, ...args: HostArgs<Name>) => HostReply;
};

/**
 * The host functions that only need the invocation's own data, and thus no round trip to the main
 * thread.
 */
const THREAD_CALLS: ThreadCalls = {
  get_caller_wallet: (session) => found(session.callerWallet),
  get_request_id: (session) => found(session.requestId),
  get_env: ({ env }, key) => found(Object.hasOwn(env, key) ? env[key] : undefined),
  http_request: ({ httpRequest }) => found(httpRequest === '' ? undefined : httpRequest),

  /** Sets the response of an HTTP function; the last call counts. */
  http_respond(session, status, headersJson) {
    const parsed = parseResponse(status, headersJson);
    if (!parsed.ok) return parsed;
    session.response = encodeResponse({ kind: 'set', response: parsed.response });
    for (const note of parsed.notes) session.log.line('warn', note);
    return { ok: true, value: 1n, data: null };
  },
};

/** Executes a host function on the guest thread. */
export function callInThread(
  session: GuestSession,
  name: ThreadFunctionName,
  values: readonly HostValue[],
): HostReply {
  // Text arguments arrive as text; all integer arguments of these functions are i32.
  const args = values.map((value) => (typeof value === 'bigint' ? Number(value) : value));
  return Reflect.apply(THREAD_CALLS[name], THREAD_CALLS, [session, ...args]);
}

function found(value: string | undefined): HostReply {
  return { ok: true, value: 0n, data: value === undefined ? null : utf8.encode(value) };
}
