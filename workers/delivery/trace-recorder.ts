import { createHash } from 'node:crypto';
import type { EngineFunctionName, HostResult } from '../../src/contract/host-functions.js';
import {
  MAX_TRACE_BYTES,
  MAX_TRACED_CALLS,
  type TracedCall,
  type TracedResult,
} from '../../src/contract/trace.js';
import { isAppError, messageOf } from '../../src/errors.js';
import type { HostCaller } from '../../src/ports/engine.js';
import { Redaction } from './redaction.js';

/** The JSON size of a traced call's own fields, in bytes. */
const CALL_BYTES = 256;
const MAX_ABOUT = 1000;

interface Recorded {
  call: EngineFunctionName;
  args: readonly unknown[];
  startedMs: number;
  durationMs: number;
  result: { value: HostResult } | { error: unknown };
}

/** Records the host calls of one attempt, up to MAX_TRACED_CALLS and MAX_TRACE_BYTES. */
export class TraceRecorder {
  readonly #redaction = new Redaction();
  readonly #calls: Recorded[] = [];
  readonly #begunAt = performance.now();
  #bytes = 0;
  #truncated = false;

  async record(
    call: EngineFunctionName,
    args: readonly unknown[],
    run: () => Promise<HostResult>,
  ): Promise<HostResult> {
    const startedMs = performance.now() - this.#begunAt;
    const add = (result: Recorded['result']) => {
      const durationMs = performance.now() - this.#begunAt - startedMs;
      this.#add({ call, args, startedMs, durationMs, result });
    };
    try {
      const value = await run();
      // A trace must not contain the value of a secret that the guest has read.
      if (call === 'get_secret' && typeof value === 'string') this.#redaction.add(String(args[0]), value);
      add({ value });
      return value;
    } catch (error) {
      add({ error });
      throw error;
    }
  }

  /**
   * Returns the calls so far, redacted. Only now are all secrets known that the guest has read. If
   * they are too large to search for, no call can be returned.
   */
  finish(): { calls: TracedCall[]; truncated: boolean } {
    const calls: TracedCall[] = [];
    if (!this.#redaction.isComplete) return { calls, truncated: true };
    let bytes = 0;
    for (const recorded of this.#calls) {
      const call = this.#write(recorded);
      // Placeholders may be longer than what they replace.
      bytes += CALL_BYTES + resultBytes(call.result);
      if (bytes > MAX_TRACE_BYTES) return { calls, truncated: true };
      calls.push(call);
    }
    return { calls, truncated: this.#truncated };
  }

  #add(recorded: Recorded): void {
    this.#bytes += CALL_BYTES + sizeOf(recorded);
    if (this.#truncated || this.#calls.length >= MAX_TRACED_CALLS || this.#bytes > MAX_TRACE_BYTES) {
      this.#truncated = true;
      return;
    }
    this.#calls.push(recorded);
  }

  #write({ call, args, startedMs, durationMs, result }: Recorded): TracedCall {
    const redacted = args.map((arg) => this.#redactArgument(arg));
    return {
      call,
      about: aboutOf(call, redacted),
      digest: digestOf(call, redacted),
      started_ms: Math.round(startedMs * 1000) / 1000,
      duration_ms: Math.round(durationMs * 1000) / 1000,
      result:
        'error' in result ? this.#writeError(result.error) : this.#writeResult(call, args, result.value),
    };
  }

  #writeResult(call: EngineFunctionName, [name]: readonly unknown[], value: HostResult): TracedResult {
    if (call !== 'get_secret' || typeof value !== 'string') return this.#writeValue(value);
    return { kind: 'text', text: this.#redaction.value(String(name), value) };
  }

  #redactArgument(argument: unknown): unknown {
    if (typeof argument === 'string') return this.#redaction.text(argument);
    return argument instanceof Uint8Array ? this.#redaction.bytes(argument) : argument;
  }

  #writeError(error: unknown): TracedResult {
    const code = isAppError(error) ? error.code : 'internal';
    return { kind: 'error', code, message: this.#redaction.text(messageOf(error)) };
  }

  #writeValue(value: HostResult): TracedResult {
    if (value === null || value === undefined) return { kind: 'none' };
    if (typeof value === 'string') return { kind: 'text', text: this.#redaction.text(value) };
    if (value instanceof Uint8Array) {
      return { kind: 'bytes', base64: Buffer.from(this.#redaction.bytes(value)).toString('base64') };
    }
    if (typeof value === 'object') return this.#writeValue(value.value);
    return { kind: 'integer', integer: String(typeof value === 'boolean' ? Number(value) : value) };
  }
}

/** Returns the subject of a call, without headers and bodies, which may be confidential. */
export function aboutOf(call: EngineFunctionName, args: readonly unknown[]): string {
  const [first = '', second] = args;
  const about: Partial<Record<EngineFunctionName, string>> = {
    http_fetch: `${first} ${second}`,
    http_start: `${first} ${second}`,
    http_next: '',
    storage_put: first instanceof Uint8Array ? `${first.byteLength} bytes` : '',
  };
  return (about[call] ?? String(first)).slice(0, MAX_ABOUT);
}

/**
 * Returns a digest of a call's arguments, equal for equal arguments. The timeout of `http_next` is
 * not included.
 */
export function digestOf(call: EngineFunctionName, args: readonly unknown[]): string {
  const hash = createHash('sha256');
  for (const arg of call === 'http_next' ? [] : args) {
    const bytes = arg instanceof Uint8Array ? arg : Buffer.from(String(arg));
    hash.update(`${bytes.byteLength}:`).update(bytes);
  }
  return hash.digest('hex').slice(0, 16);
}

/** Returns how many bytes a call's arguments and result keep in memory. */
function sizeOf({ args, result }: Recorded): number {
  const ofResult = 'error' in result ? messageOf(result.error) : result.value;
  return [...args, ofResult].reduce<number>((bytes, value) => bytes + bytesOf(value), 0);
}

/** Returns the size of the variable part of a result in a trace, in bytes. */
function resultBytes(result: TracedResult): number {
  switch (result.kind) {
    case 'text':
      return Buffer.byteLength(result.text);
    case 'bytes':
      return result.base64.length;
    case 'error':
      return Buffer.byteLength(result.message);
    case 'none':
    case 'integer':
      return 0;
  }
}

function bytesOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  return value instanceof Uint8Array ? (value.byteLength * 4) / 3 : 8;
}

/** Wraps host functions so that `recorder` records each call. */
export function recordedHost(call: HostCaller, recorder: TraceRecorder): HostCaller {
  return async (name, args, signal) => recorder.record(name, args, () => call(name, args, signal));
}
