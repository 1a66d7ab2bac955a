import { encodeBase64 } from './base64.js';
import { OramaError } from './errors.js';
import type { Http } from './http.js';
import { toJson } from './json-text.js';
import type { Invocation, InvocationPage, InvocationState } from './shapes.js';
import { sleep } from './sleep.js';

export interface InvocationFilter {
  function?: string;
  status?: InvocationState;
  /** Dead ones by what they died of. */
  reason?: 'error' | 'timeout' | 'expired' | 'worker_died';
  /** What this invocation has caused. */
  parentId?: string;
  since?: string;
  before?: string;
  /** How many are asked for at once: 50. */
  pageSize?: number;
  signal?: AbortSignal;
}

export interface WaitOptions {
  /** Throws `unreachable` when it has not ended by then; without it, it is waited for as long as it takes. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface ReplayOptions {
  /** On the newest version in place of the one it was accepted for. */
  newest?: boolean;
  /** In place of its own: bytes, a string as its UTF-8, any other value as JSON. */
  input?: unknown;
  signal?: AbortSignal;
}

export interface Invocations {
  /** Those that have not ended, then the ended ones, newest first; page after page. */
  list(filter?: InvocationFilter): AsyncGenerator<Invocation>;
  get(requestId: string, options?: { signal?: AbortSignal | undefined }): Promise<Invocation>;
  /** Asks until it has ended, in whatever way. */
  wait(requestId: string, options?: WaitOptions): Promise<Invocation>;
  cancel(requestId: string): Promise<void>;
  /** Runs it again; returns the id of the new one. */
  replay(requestId: string, options?: ReplayOptions): Promise<string>;
}

const FIRST_POLL_MS = 100;
const LONGEST_POLL_MS = 5000;
const ENDED: ReadonlySet<InvocationState> = new Set(['success', 'error', 'timeout', 'dead', 'cancelled']);

export function createInvocations(http: Http): Invocations {
  const pathOf = (requestId: string) => `/v1/invocations/${encodeURIComponent(requestId)}`;
  const get: Invocations['get'] = (requestId, { signal } = {}) =>
    http.json<Invocation>({ method: 'GET', path: pathOf(requestId), repeatable: true, signal });

  return {
    get,

    async *list({ signal, pageSize, parentId, ...filter } = {}) {
      let cursor: string | undefined;
      do {
        const query = { ...filter, parent_id: parentId, limit: pageSize, cursor };
        const call = { method: 'GET', path: '/v1/invocations', query, repeatable: true, signal };
        const page = await http.json<InvocationPage>(call);
        yield* page.invocations;
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined);
    },

    async wait(requestId, { timeoutMs, signal } = {}) {
      const deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + timeoutMs;
      for (let pause = FIRST_POLL_MS; ; pause = Math.min(pause * 1.5, LONGEST_POLL_MS)) {
        const invocation = await get(requestId, { signal });
        if (ENDED.has(invocation.state)) return invocation;
        if (Date.now() + pause > deadline) {
          const message = `Invocation ${requestId} is ${invocation.state} still after ${timeoutMs} ms`;
          throw new OramaError(message, { code: 'unreachable', status: 0, requestId });
        }
        await sleep(pause, signal);
      }
    },

    async cancel(requestId) {
      await http.send({ method: 'DELETE', path: pathOf(requestId), repeatable: false });
    },

    async replay(requestId, { newest, input, signal } = {}) {
      const reply = await http.json<{ request_id: string }>({
        method: 'POST',
        path: `${pathOf(requestId)}/replay`,
        query: { version: newest === true ? 'newest' : undefined },
        ...(input === undefined ? {} : { headers: JSON_BODY, body: replayBody(input) }),
        repeatable: false,
        signal,
      });
      return reply.request_id;
    },
  };
}

const JSON_BODY = { 'Content-Type': 'application/json' };

function replayBody(input: unknown): string {
  if (input instanceof Uint8Array) return JSON.stringify({ input_base64: encodeBase64(input) });
  return `{"input":${toJson(input)}}`;
}
