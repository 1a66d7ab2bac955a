import {
  type HostArg,
  type HostFunctionName,
  hostFunction,
  isEngineFunction,
  isThreadFunction,
  maxHostText,
  refusedResult,
} from '../../../src/contract/host-functions.js';
import { encodeResponse } from '../../../src/contract/http-exchange.js';
import type { LogLevel } from '../../../src/contract/invocation.js';
import { MAX_HOST_BYTES, MAX_HOST_CALLS, MB } from '../../../src/contract/limits.js';
import { failedRequest } from './failed-request.js';
import { HOST_IMPORTS } from './imports.js';
import type { GuestMemory } from './memory.js';
import { GuestFailure, type GuestSession, type HostReply, type HostValue, sessionOf } from './session.js';
import { callInThread } from './thread-calls.js';
import { UnreadResults } from './unread-results.js';

const text = new TextDecoder('utf-8', { ignoreBOM: true });
const strictText = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

type FailedReply = Extract<HostReply, { ok: false }>;

const TOO_MUCH: FailedReply = {
  ok: false,
  reason: `an invocation may move ${MAX_HOST_BYTES / MB} MB through host calls`,
};

/** The maximum size of the line that explains why a guest exited, like that of stderr. */
const MAX_REASON_BYTES = 8192;
const NO_BYTES = new Uint8Array(0);

type Allocate = (size: number) => number;

/**
 * The host functions for one thread, reset for each invocation: reads arguments, calls the bridge,
 * returns results.
 */
export class HostImports {
  readonly functions: Record<string, (...args: never[]) => unknown>;
  readonly #memory: GuestMemory;
  #current: GuestSession | null = null;
  #allocate: Allocate | null = null;
  #allocating = false;
  readonly #unread = new UnreadResults();
  #calls = 0;
  #bytes = 0;
  /** The bytes that the arguments of the current call have in the guest's memory. */
  #argBytes = 0;
  /** The end of what the guest has logged last as an error. */
  #lastError: Uint8Array = NO_BYTES;

  constructor(memory: GuestMemory) {
    this.#memory = memory;
    this.functions = Object.fromEntries(
      [...HOST_IMPORTS].map(([importName, { name, into }]) => [importName, this.#bind(name, into)]),
    );
  }

  begin(session: GuestSession): void {
    this.#current = session;
    this.#allocating = false;
    this.#unread.clear();
    this.#calls = 0;
    this.#bytes = 0;
    this.#lastError = NO_BYTES;
  }

  /** Returns the last line that the guest has logged as an error, '' if there is none. */
  lastErrorLine(): string {
    return text.decode(this.#lastError).trimEnd().split('\n').at(-1)?.trim() ?? '';
  }

  /** Sets the allocator export of the instance that runs next. */
  attach(allocate: Allocate | null): void {
    this.#allocate = allocate;
  }

  get #session(): GuestSession {
    return sessionOf(this.#current);
  }

  #bind(name: HostFunctionName, into: boolean): (...args: never[]) => unknown {
    const { args: kinds, result, by, onFailure = 0 } = hostFunction(name);
    if (by === 'log') {
      const level = name.slice('log_'.length) as LogLevel;
      return (pointer: number, length: number) => {
        const line = this.#memory.slice(pointer, length);
        this.#session.log.line(level, line);
        if (level === 'error') this.#lastError = line.slice(-MAX_REASON_BYTES);
      };
    }
    return (...raw: (number | bigint)[]) => {
      // Host calls inside an allocator are refused, because their results would call the allocator
      // again, in an endless recursion.
      if (this.#allocating)
        throw new GuestFailure(`trap: ${name} was called from inside the guest's allocator`);
      const args = this.#refusal(kinds, raw) ?? this.#readArgs(kinds, raw);
      if (into) return this.#into(name, args, Number(raw.at(-2)), Number(raw.at(-1)) >>> 0);
      const reply = this.#callWithinQuotas(name, args);
      switch (result) {
        case 'data':
          return reply.ok ? this.#returnData(name, reply.data) : 0n;
        case 'i32':
          return reply.ok ? Number(reply.value) : onFailure;
        case 'i64':
          return reply.ok ? reply.value : 0n;
        case null:
          return undefined;
      }
    };
  }

  /**
   * Returns why the arguments are refused: a text is too long, or the invocation's remaining
   * transfer quota is too small. Checked before anything is copied or decoded, because a large text
   * and what is made of it would not fit into the thread's heap. Null when they are accepted.
   */
  #refusal(kinds: readonly HostArg[], raw: readonly (number | bigint)[]): FailedReply | null {
    let at = 0;
    this.#argBytes = 0;
    for (const [name, kind] of kinds) {
      const pointer = Number(raw[at++]);
      if (kind !== 'text' && kind !== 'bytes') continue;
      const { length } = this.#memory.slice(pointer, Number(raw[at++]));
      const most = kind === 'text' ? maxHostText(name) : null;
      if (most !== null && length > most)
        return { ok: false, reason: `${name} has ${length} bytes; at most ${most} are allowed` };
      this.#argBytes += length;
    }
    return this.#bytes + this.#argBytes > MAX_HOST_BYTES ? TOO_MUCH : null;
  }

  /**
   * Returns the arguments. A text that is not UTF-8 is refused: with replacement characters in the
   * place of its bytes, it would be another key, or other data, and equal to that of other bytes.
   */
  #readArgs(kinds: readonly HostArg[], raw: readonly (number | bigint)[]): HostValue[] | FailedReply {
    let at = 0;
    const args: HostValue[] = [];
    for (const [name, kind] of kinds) {
      const first = raw[at++] ?? 0;
      if (kind !== 'text' && kind !== 'bytes') {
        args.push(BigInt(first));
        continue;
      }
      const bytes = this.#memory.copy(Number(first), Number(raw[at++]));
      try {
        args.push(kind === 'text' ? strictText.decode(bytes) : bytes);
      } catch {
        return { ok: false, reason: `${name} is not valid UTF-8` };
      }
    }
    return args;
  }

  /** A failure is logged with its reason. */
  #callWithinQuotas(name: HostFunctionName, args: HostValue[] | FailedReply): HostReply {
    this.#unread.startCall();
    const reply = this.#makeCall(name, args);
    const checked = this.#checkResult(reply);
    if (!checked.ok) this.#fail(name, checked.reason);
    else if (checked.note !== undefined) this.#session.log.line('warn', checked.note);
    else if (name === 'http_fetch' || name === 'http_next') this.#logFailedRequest(name, checked.data);
    return checked;
  }

  #fail(name: HostFunctionName, reason: string): void {
    const session = this.#session;
    let effect = '';
    if (name === 'http_respond') {
      // The caller must not get the default response, or an earlier one, in place of a refused one.
      session.response = encodeResponse({ kind: 'invalid' });
      effect = '; the caller gets a 502';
    }
    session.log.line('error', `${name} failed: ${reason}${effect}`);
  }

  #logFailedRequest(name: HostFunctionName, reply: Uint8Array | null): void {
    const reason = reply === null ? null : failedRequest(reply);
    if (reason !== null) this.#session.log.line('error', `${name} failed: ${reason}`);
  }

  #makeCall(name: HostFunctionName, args: HostValue[] | FailedReply): HostReply {
    this.#calls++;
    if (this.#calls > MAX_HOST_CALLS) {
      return { ok: false, reason: `an invocation may make ${MAX_HOST_CALLS} host calls` };
    }
    if (!Array.isArray(args)) return args;
    this.#bytes += this.#argBytes;
    return this.#execute(name, args);
  }

  #checkResult(reply: HostReply): HostReply {
    if (!reply.ok || reply.data === null) return reply;
    const reason = refusedResult(reply.data.length);
    if (reason !== null) return { ok: false, reason };
    this.#bytes += reply.data.length;
    return this.#bytes > MAX_HOST_BYTES ? TOO_MUCH : reply;
  }

  #execute(name: HostFunctionName, args: HostValue[]): HostReply {
    const session = this.#session;
    if (isThreadFunction(name)) return callInThread(session, name, args);
    if (isEngineFunction(name)) return session.bridge.call(name, args);
    return { ok: false, reason: `${name} is not a callable host function` };
  }

  /** Copies data into memory from the guest's allocator. Returns the packed pointer and length. */
  #returnData(name: string, data: Uint8Array | null): bigint {
    if (data === null || data.length === 0) return 0n;
    const pointer = this.allocate(name, data.length);
    if (pointer === 0) return 0n;
    this.#memory.write(pointer, data);
    return (BigInt(pointer) << 32n) | BigInt(data.length);
  }

  /** Allocates `size` bytes of guest memory. Returns 0, and logs the reason, when there is none. */
  allocate(what: string, size: number): number {
    const allocate = this.#allocate;
    if (allocate === null) {
      const remedy = 'export orama_alloc(size i32) -> i32, or use the _into form';
      this.#session.log.line(
        'error',
        `${what} failed: the module exports no allocator for its result; ${remedy}`,
      );
      return 0;
    }
    this.#allocating = true;
    const pointer = allocate(size) >>> 0;
    this.#allocating = false;
    if (pointer === 0) {
      this.#session.log.line('error', `${what} failed: the module's allocator returned 0 for ${size} bytes`);
    }
    return pointer;
  }

  /**
   * The `_into` form, which needs no allocator. Returns the full length of the result, or -1
   * without one. If the result does not fit, nothing is written and the result is kept: the same
   * call with a larger buffer returns it without repeating the effect.
   */
  #into(name: HostFunctionName, args: HostValue[] | FailedReply, pointer: number, capacity: number): number {
    if (!Array.isArray(args)) {
      this.#callWithinQuotas(name, args);
      return -1;
    }
    const kept = this.#unread.get(name, args, capacity);
    let data = kept;
    if (data === null) {
      const reply = this.#callWithinQuotas(name, args);
      if (!reply.ok || reply.data === null) return -1;
      data = reply.data;
    }
    if (data.length <= capacity) {
      this.#unread.delete(name, args);
      this.#memory.write(pointer, data);
    } else if (kept === null) this.#unread.add(name, args, data);
    return data.length;
  }
}
