import { encodeBase64 } from './base64.js';
import { bytesOf } from './bytes.js';
import { OramaError } from './errors.js';
import { type Call, type Http, isShort, pauseBefore } from './http.js';
import { toJson } from './json-text.js';
import type { Invocation, InvocationPage, InvocationState } from './shapes.js';
import { sleep } from './sleep.js';

export interface InvocationFilter {
  function?: string;
  status?: InvocationState;
  /** Only dead letters with this reason. */
  reason?: 'error' | 'timeout' | 'expired' | 'worker_died';
  /** Only invocations caused by this one. */
  parentId?: string;
  since?: string;
  before?: string;
  /** Number of invocations per page. Default 50. */
  pageSize?: number;
  signal?: AbortSignal;
}

export interface WaitOptions {
  /** Throws `unreachable` if the invocation has not ended by then. Default: no timeout. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface ReplayOptions {
  /** Uses the newest version instead of the original one. */
  newest?: boolean;
  /**
   * Input of the replay instead of the original one: bytes, a string (as UTF-8), or any other value
   * (as JSON).
   */
  input?: unknown;
  signal?: AbortSignal;
}

export interface Invocations {
  /**
   * Iterates over invocations: live ones first, then ended ones, newest first. Fetches them in
   * pages.
   */
  list(filter?: InvocationFilter): AsyncGenerator<Invocation>;
  get(requestId: string, options?: { signal?: AbortSignal | undefined }): Promise<Invocation>;
  /** Polls until the invocation has ended in any state. */
  wait(requestId: string, options?: WaitOptions): Promise<Invocation>;
  cancel(requestId: string): Promise<void>;
  /** Replays an ended invocation. Resolves with the id of the new invocation. */
  replay(requestId: string, options?: ReplayOptions): Promise<string>;
}

export const FIRST_POLL_MS = 100;
const LONGEST_POLL_MS = 5000;
const ENDED: ReadonlySet<InvocationState> = new Set(['success', 'error', 'timeout', 'dead', 'cancelled']);

export function createInvocations(http: Http): Invocations {
  const pathOf = (requestId: string) => `/v1/invocations/${encodeURIComponent(requestId)}`;
  const read = (requestId: string, more: Pick<Call, 'signal' | 'deadline'>) =>
    http.json<Invocation>({ method: 'GET', path: pathOf(requestId), repeatable: true, ...more });

  return {
    get: (requestId, { signal } = {}) => read(requestId, { signal }),

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
      for (let pause = FIRST_POLL_MS; ; pause = nextPoll(pause)) {
        const found = await read(requestId, { signal, deadline }).catch(refusal);
        const isRefused = found instanceof OramaError;
        if (!isRefused && ENDED.has(found.state)) return found;
        const due = isRefused ? Math.max(pause, pauseBefore(0, found.retryAfter)) : pause;
        const left = deadline - Date.now();
        if (left <= 0) {
          const state = isRefused ? 'unknown' : found.state;
          const message = `Invocation ${requestId} is ${state} still after ${timeoutMs} ms`;
          throw new OramaError(message, { code: 'unreachable', status: 0, requestId });
        }
        await sleep(Math.min(due, left), signal);
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

export function nextPoll(pause: number): number {
  return Math.min(pause * 1.5, LONGEST_POLL_MS);
}

/** A refusal to read an invocation says nothing about it: it was accepted. */
export function refusal(error: unknown): OramaError {
  if (error instanceof OramaError && error.status === 429 && isShort(error)) return error;
  throw error;
}

const JSON_BODY = { 'Content-Type': 'application/json' };

function replayBody(input: unknown): string {
  const bytes = bytesOf(input);
  if (bytes !== undefined) return JSON.stringify({ input_base64: encodeBase64(bytes) });
  return `{"input":${toJson(input)}}`;
}
