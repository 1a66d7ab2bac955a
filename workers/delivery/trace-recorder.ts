import { createHash } from 'node:crypto';
import {
  MAX_TRACE_BYTES,
  MAX_TRACED_CALLS,
  type TracedCall,
  type TracedResult,
} from '../../src/contract/trace.js';
import { isAppError, messageOf } from '../../src/errors.js';
import type { HostCalls } from '../../src/ports/engine.js';
import { Redaction } from './redaction.js';

export type Argument = string | number | bigint | Uint8Array;
type Given = string | number | bigint | boolean | Uint8Array | null | undefined;

/** What its own fields take, as JSON. */
const CALL_BYTES = 256;
const MAX_ABOUT = 1000;

interface Recorded {
  call: string;
  about: string;
  args: readonly Argument[];
  startedMs: number;
  durationMs: number;
  result: { value: Given } | { error: unknown };
}

/** Records the host calls of one attempt, up to its limits. */
export class TraceRecorder {
  readonly #redaction = new Redaction();
  readonly #calls: Recorded[] = [];
  readonly #begunAt = performance.now();
  #bytes = 0;
  #truncated = false;

  /** The value of a secret that the guest has read: it is in no record. */
  hide(name: string, value: string): void {
    this.#redaction.add(name, value);
  }

  async record<T extends Given>(
    call: string,
    about: string,
    args: readonly Argument[],
    run: () => Promise<T>,
  ): Promise<T> {
    const startedMs = performance.now() - this.#begunAt;
    const add = (result: Recorded['result']) => {
      const durationMs = performance.now() - this.#begunAt - startedMs;
      this.#add({ call, about, args, startedMs, durationMs, result });
    };
    try {
      const value = await run();
      add({ value });
      return value;
    } catch (error) {
      add({ error });
      throw error;
    }
  }

  /** The calls so far. Only now is it known which secrets were read. */
  finish(): { calls: TracedCall[]; truncated: boolean } {
    return { calls: this.#calls.map((one) => this.#write(one)), truncated: this.#truncated };
  }

  #add(recorded: Recorded): void {
    this.#bytes += CALL_BYTES + sizeOf(recorded);
    if (this.#truncated || this.#calls.length >= MAX_TRACED_CALLS || this.#bytes > MAX_TRACE_BYTES) {
      this.#truncated = true;
      return;
    }
    this.#calls.push(recorded);
  }

  #write({ call, about, args, startedMs, durationMs, result }: Recorded): TracedCall {
    return {
      call,
      about: this.#redaction.text(about).slice(0, MAX_ABOUT),
      digest: digestOf(args.map((arg) => this.#redactArgument(arg))),
      started_ms: Math.round(startedMs * 1000) / 1000,
      duration_ms: Math.round(durationMs * 1000) / 1000,
      result: 'error' in result ? this.#writeError(result.error) : this.#writeValue(result.value),
    };
  }

  #redactArgument(argument: Argument): Argument {
    if (typeof argument === 'string') return this.#redaction.text(argument);
    return argument instanceof Uint8Array ? this.#redaction.bytes(argument) : argument;
  }

  #writeError(error: unknown): TracedResult {
    const code = isAppError(error) ? error.code : 'internal';
    return { kind: 'error', code, message: this.#redaction.text(messageOf(error)) };
  }

  #writeValue(value: Given): TracedResult {
    if (value === null || value === undefined) return { kind: 'none' };
    if (typeof value === 'string') return { kind: 'text', text: this.#redaction.text(value) };
    if (value instanceof Uint8Array) {
      return { kind: 'bytes', base64: Buffer.from(this.#redaction.bytes(value)).toString('base64') };
    }
    return { kind: 'integer', integer: String(typeof value === 'boolean' ? Number(value) : value) };
  }
}

/** Equal for equal arguments. */
export function digestOf(args: readonly Argument[]): string {
  const hash = createHash('sha256');
  for (const arg of args) {
    const bytes = arg instanceof Uint8Array ? arg : Buffer.from(String(arg));
    hash.update(`${bytes.byteLength}:`).update(bytes);
  }
  return hash.digest('hex').slice(0, 16);
}

function sizeOf({ about, result }: Recorded): number {
  if ('error' in result) return about.length + messageOf(result.error).length;
  const { value } = result;
  if (typeof value === 'string') return about.length + Buffer.byteLength(value);
  return about.length + (value instanceof Uint8Array ? (value.byteLength * 4) / 3 : 8);
}

/** The same host functions, recorded. What they were called for never holds headers or bodies. */
export function recordedHost(host: HostCalls, recorder: TraceRecorder): HostCalls {
  return {
    async getSecret(name) {
      let hidden: string | null = null;
      await recorder.record('get_secret', name, [name], async () => {
        hidden = await host.getSecret(name);
        if (hidden !== null) recorder.hide(name, hidden);
        return hidden;
      });
      return hidden;
    },
    dbQuery: (sql, args) => recorder.record('db_query', sql, [sql, args], () => host.dbQuery(sql, args)),
    dbExecute: (sql, args) =>
      recorder.record('db_execute', sql, [sql, args], () => host.dbExecute(sql, args)),
    cacheGet: (key) => recorder.record('cache_get', key, [key], () => host.cacheGet(key)),
    cacheSet: (key, value, ttl) =>
      recorder
        .record('cache_set', key, [key, value, ttl], () => host.cacheSet(key, value, ttl).then(() => null))
        .then(() => {}),
    cacheIncrement: (key, delta) =>
      recorder.record('cache_incr', key, [key, delta], () => host.cacheIncrement(key, delta)),
    cacheDelete: (key) => recorder.record('cache_delete', key, [key], () => host.cacheDelete(key)),
    httpFetch: (method, url, headers, body, signal) =>
      recorder.record('http_fetch', `${method} ${url}`, [method, url, headers, body], () =>
        host.httpFetch(method, url, headers, body, signal),
      ),
    httpStart: (method, url, headers, body) =>
      recorder.record('http_start', `${method} ${url}`, [method, url, headers, body], () =>
        host.httpStart(method, url, headers, body),
      ),
    httpNext: (timeoutMs) => recorder.record('http_next', '', [], () => host.httpNext(timeoutMs)),
    async publish(topic, data) {
      const noted = () => host.publish(topic, data).then(({ note }) => note ?? null);
      const note = await recorder.record('pubsub_publish', topic, [topic, data], noted);
      return note === null ? {} : { note };
    },
    storagePut: (data) =>
      recorder.record('storage_put', `${data.byteLength} bytes`, [data], () => host.storagePut(data)),
    storageGet: (cid) => recorder.record('storage_get', cid, [cid], () => host.storageGet(cid)),
    enqueue: (name, payload, delay) =>
      recorder.record('enqueue', name, [name, payload, delay], () => host.enqueue(name, payload, delay)),
  };
}
