import { requestIdSchema } from '../../src/contract/ids.js';
import type { Trace, TracedCall, TracedResult } from '../../src/contract/trace.js';
import { AppError, ERRORS, type ErrorCode } from '../../src/errors.js';
import type { HostCalls } from '../../src/ports/engine.js';
import { type Argument, digestOf } from './trace-recorder.js';

/**
 * Host functions that give what a trace says and reach nothing: each recorded call is given once, to
 * the call with the same arguments, else to the next for the same thing, as a function that is being
 * mended may ask a little differently. What was never asked for fails, and the function's log says so.
 */
export function replayedHost({ calls, truncated }: Trace): HostCalls {
  const left = [...calls];

  function take(call: string, about: string, args: readonly Argument[]): TracedResult {
    const digest = digestOf(args);
    const shown = about.slice(0, 1000);
    const isSame = (one: TracedCall) => one.call === call && one.digest === digest;
    const isAlike = (one: TracedCall) => one.call === call && one.about === shown;
    const exact = left.findIndex(isSame);
    const at = exact >= 0 ? exact : left.findIndex(isAlike);
    const [found] = at < 0 ? [] : left.splice(at, 1);
    if (found !== undefined) return throwing(found.result);
    const why = truncated ? ', which ends before the calls do' : '';
    throw new AppError('not_found', `${call}: the trace${why} has no further call for "${shown}".`);
  }

  const text = (result: TracedResult) => (result.kind === 'text' ? result.text : null);
  const bytes = (result: TracedResult) => {
    if (result.kind === 'bytes') return Buffer.from(result.base64, 'base64');
    return result.kind === 'text' ? Buffer.from(result.text) : null;
  };
  const integer = (result: TracedResult) => BigInt(result.kind === 'integer' ? result.integer : 0);

  return {
    getSecret: async (name) => text(take('get_secret', name, [name])),
    dbQuery: async (sql, args) => text(take('db_query', sql, [sql, args])) ?? '[]',
    dbExecute: async (sql, args) => Number(integer(take('db_execute', sql, [sql, args]))),
    cacheGet: async (key) => bytes(take('cache_get', key, [key])),
    async cacheSet(key, value, ttl) {
      take('cache_set', key, [key, value, ttl]);
    },
    cacheIncrement: async (key, delta) => integer(take('cache_incr', key, [key, delta])),
    cacheDelete: async (key) => integer(take('cache_delete', key, [key])) === 1n,
    httpFetch: async (method, url, headers, body) =>
      text(take('http_fetch', `${method} ${url}`, [method, url, headers, body])) ?? '',
    httpStart: async (method, url, headers, body) =>
      Number(integer(take('http_start', `${method} ${url}`, [method, url, headers, body]))),
    httpNext: async () => text(take('http_next', '', [])),
    async publish(topic, data) {
      const note = text(take('pubsub_publish', topic, [topic, data]));
      return note === null ? {} : { note };
    },
    storagePut: async (data) => text(take('storage_put', `${data.byteLength} bytes`, [data])) ?? '',
    storageGet: async (cid) => bytes(take('storage_get', cid, [cid])),
    enqueue: async (name, payload, delay) =>
      requestIdSchema.parse(text(take('enqueue', name, [name, payload, delay]))),
  };
}

function throwing(result: TracedResult): TracedResult {
  if (result.kind !== 'error') return result;
  throw new AppError(isCode(result.code) ? result.code : 'internal', result.message);
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
