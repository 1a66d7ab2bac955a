import {
  type EngineFunctionName,
  type HostArg,
  type HostResult,
  hostFunction,
  maxHostText,
  refusedResult,
} from '../../src/contract/host-functions.js';
import { messageOf } from '../../src/errors.js';
import type { HostCaller } from '../../src/ports/engine.js';
import type { HostReply, HostValue } from '../wasm/run/session.js';

const utf8 = new TextEncoder();

/**
 * Executes a guest's host call with the host functions of its invocation. Never rejects: an error
 * becomes the reason that the invocation's log shows.
 *
 * @param signal Fires when the guest has ended.
 */
export async function dispatchHostCall(
  call: HostCaller,
  name: EngineFunctionName,
  values: readonly HostValue[],
  signal: AbortSignal,
): Promise<HostReply> {
  try {
    const args = hostFunction(name).args.map((arg, index) => readArg(arg, values[index]));
    const reply = replyOf(await call(name, args, signal));
    const refused = refusedResult(reply.data?.length ?? 0);
    return refused === null ? reply : failed(refused);
  } catch (error) {
    return failed(messageOf(error));
  }
}

function readArg([name, kind, max]: HostArg, value: HostValue | undefined) {
  switch (kind) {
    case 'text':
      return readText(name, String(value ?? ''));
    case 'bytes':
      return value instanceof Uint8Array ? value : utf8.encode(String(value ?? ''));
    case 'i32':
      return Number(value ?? 0n);
    case 'i64':
      return typeof value === 'bigint' ? value : 0n;
    case 'seconds':
      return readSeconds(name, typeof value === 'bigint' ? value : 0n, max);
  }
}

/** The guest thread has refused longer texts; this does not rely on it. */
function readText(name: string, text: string): string {
  const most = maxHostText(name);
  if (most === null || text.length <= most) return text;
  throw new RangeError(`${name} has ${text.length} characters; at most ${most} are allowed`);
}

function readSeconds(name: string, value: bigint, max: number): number {
  if (value >= 0n && value <= BigInt(max)) return Number(value);
  throw new RangeError(`${name} is ${value} seconds; it must be from 0 to ${max}`);
}

function replyOf(result: HostResult): Extract<HostReply, { ok: true }> {
  if (typeof result === 'string') return { ok: true, value: 0n, data: utf8.encode(result) };
  if (result === null || result instanceof Uint8Array) return { ok: true, value: 0n, data: result };
  if (result === undefined) return { ok: true, value: 1n, data: null };
  if (typeof result !== 'object') return { ok: true, value: BigInt(result), data: null };
  return { ok: true, value: BigInt(result.value), data: null, note: result.note };
}

function failed(reason: string): HostReply {
  return { ok: false, reason };
}
