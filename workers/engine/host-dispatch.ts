import { MAX_HOST_RESULT_BYTES, MB } from '../../src/contract/limits.js';
import { messageOf } from '../../src/errors.js';
import type { HostCalls } from '../../src/ports/engine.js';
import type { HostFunctionName } from '../wasm/run/host-functions.js';
import type { HostReply, HostValue } from '../wasm/run/session.js';

const utf8 = new TextEncoder();

/**
 * Answers a guest's host call with the host functions of its own invocation. Never rejects: what
 * goes wrong is the reason that the invocation's log shows. `signal` fires when the guest is gone.
 */
export async function dispatchHostCall(
  host: HostCalls,
  name: HostFunctionName,
  args: readonly HostValue[],
  signal: AbortSignal,
): Promise<HostReply> {
  try {
    const reply = await dispatch(host, name, args, signal);
    if (reply.ok && reply.data !== null && reply.data.length > MAX_HOST_RESULT_BYTES) {
      const size = (reply.data.length / MB).toFixed(1);
      return failed(`its result is ${size} MB; at most ${MAX_HOST_RESULT_BYTES / MB} MB are allowed`);
    }
    return reply;
  } catch (error) {
    return failed(messageOf(error));
  }
}

async function dispatch(
  host: HostCalls,
  name: HostFunctionName,
  args: readonly HostValue[],
  signal: AbortSignal,
): Promise<HostReply> {
  const text = (index: number) => String(args[index] ?? '');
  const bytes = (index: number) => {
    const value = args[index];
    return value instanceof Uint8Array ? value : utf8.encode(String(value ?? ''));
  };
  const whole = (index: number) => {
    const value = args[index];
    return typeof value === 'bigint' ? value : 0n;
  };
  switch (name) {
    case 'get_secret':
      return data(await host.getSecret(text(0)));
    case 'db_query':
      return data(await host.dbQuery(text(0), text(1)));
    case 'db_execute':
      return number(await host.dbExecute(text(0), text(1)));
    case 'cache_get':
      return data(await host.cacheGet(text(0)));
    case 'cache_set':
      await host.cacheSet(text(0), bytes(1), seconds(whole(2), 'ttl'));
      return number(1);
    case 'cache_incr':
      return number(await host.cacheIncrement(text(0), 1n));
    case 'cache_incr_by':
      return number(await host.cacheIncrement(text(0), whole(1)));
    case 'cache_delete':
      return number((await host.cacheDelete(text(0))) ? 1 : 0);
    case 'http_fetch':
      return data(await host.httpFetch(text(0), text(1), text(2), bytes(3), signal));
    case 'http_start':
      return number(await host.httpStart(text(0), text(1), text(2), bytes(3)));
    case 'http_next':
      return data(await host.httpNext(Number(whole(0))));
    case 'pubsub_publish': {
      const { note } = await host.publish(text(0), bytes(1));
      return note === undefined ? number(1) : { ok: true, value: 1n, data: null, note };
    }
    case 'storage_put':
      return data(await host.storagePut(bytes(0)));
    case 'storage_get':
      return data(await host.storageGet(text(0)));
    case 'enqueue':
      return data(await host.enqueue(text(0), bytes(1), seconds(whole(2), 'delay')));
    case 'get_caller_wallet':
    case 'get_request_id':
    case 'get_env':
    case 'http_request':
    case 'http_respond':
    case 'log_debug':
    case 'log_info':
    case 'log_warn':
    case 'log_error':
      return failed(`${name} is answered in the guest's thread`);
  }
}

function seconds(value: bigint, what: string): number {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new RangeError(`${what} is ${value} seconds; it must be 0 or more`);
  }
  return Number(value);
}

function data(value: string | Uint8Array | null): HostReply {
  return { ok: true, value: 0n, data: typeof value === 'string' ? utf8.encode(value) : value };
}

function number(value: number | bigint): HostReply {
  return { ok: true, value: BigInt(value), data: null };
}

function failed(reason: string): HostReply {
  return { ok: false, reason };
}
