import * as z from 'zod';
import type { BufferBudget } from '../../src/concurrency/buffer-budget.js';
import { MAX_HOST_RESULT_BYTES } from '../../src/contract/limits.js';
import { type CallDepth, DEPTH_HEADER } from '../../src/core/invocations/call-depth.js';
import { utf8 } from '../../src/core/invocations/output-fields.js';
import { AppError, isAppError, messageOf } from '../../src/errors.js';
import type { Egress, EgressResponse } from '../../src/ports/egress.js';
import { tooManyBytes } from './budgeted-host.js';
import { isNone, parseOrUndefined } from './host-json.js';
import type { HostRun } from './host-run.js';
import { ParallelFetches } from './parallel-fetches.js';

const HTTP_TIMEOUT_MS = 30_000;

const headersSchema = z.record(z.string(), z.string());

interface FetchDeps {
  egress: Egress;
  depths: Pick<CallDepth, 'sign'>;
  buffers: BufferBudget;
}

/** The HTTP requests of one invocation. They are aborted when the guest ends. */
export class GuestFetches {
  readonly #deps: FetchDeps;
  readonly #run: HostRun;
  readonly #parallel: ParallelFetches;
  #closesAtEnd = false;

  constructor(deps: FetchDeps, run: HostRun) {
    this.#deps = deps;
    this.#run = run;
    this.#parallel = new ParallelFetches(() => deps.buffers.reserve(run.invocation.namespace));
  }

  /** Resolves with the response as JSON text. */
  async fetch(
    method: string,
    url: string,
    headersJson: string,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<string> {
    const { egress, depths } = this.#deps;
    const { invocation, function: fn } = this.#run;
    const held = this.#deps.buffers.reserve(invocation.namespace);
    try {
      const response = await egress.fetch({
        namespace: invocation.namespace,
        method: method === '' ? 'GET' : method.toUpperCase(),
        url,
        headers: { ...parseHeaders(headersJson), [DEPTH_HEADER]: depths.sign(invocation.triggerDepth) },
        body,
        timeoutMs: Math.min(HTTP_TIMEOUT_MS, fn.timeout_seconds * 1000),
        maxResponseBytes: MAX_HOST_RESULT_BYTES / 2,
        onBytes: (bytes) => {
          if (!held.take(bytes)) throw tooManyBytes();
        },
        signal,
        ...(fn.metadata.allowed_hosts ? { allowedHosts: fn.metadata.allowed_hosts } : {}),
      });
      return encodeResponse(response);
    } catch (error) {
      if (!isAppError(error)) throw error;
      return JSON.stringify({ error: messageOf(error), status: 0 });
    } finally {
      held.release();
    }
  }

  /** Starts a request whose response `next` returns. Resolves with its number. */
  async start(
    method: string,
    url: string,
    headersJson: string,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<number> {
    parseHeaders(headersJson);
    const { invocation, function: fn } = this.#run;
    const { namespace } = invocation;
    const { allowed_hosts: allowedHosts } = fn.metadata;
    await this.#deps.egress.check(url, { namespace, allowedHosts }).catch((error) => {
      // `http_next` reports network errors; only a forbidden URL is refused at once.
      if (!isAppError(error, 'unavailable')) throw error;
    });
    if (!this.#closesAtEnd) {
      this.#closesAtEnd = true;
      signal.addEventListener('abort', () => this.#parallel.close(), { once: true });
    }
    if (signal.aborted) this.#parallel.close();
    return this.#parallel.start(body.byteLength, () => this.fetch(method, url, headersJson, body, signal));
  }

  next(timeoutMs: number): ReturnType<ParallelFetches['next']> {
    return this.#parallel.next(timeoutMs);
  }
}

function encodeResponse({ status, headers, body, redirectedTo }: EgressResponse): string {
  const text = utf8(body);
  return JSON.stringify({
    status,
    headers,
    ...(text === null ? { body: '', body_base64: Buffer.from(body).toString('base64') } : { body: text }),
    ...(redirectedTo === undefined ? {} : { url: redirectedTo }),
  });
}

function parseHeaders(json: string): Record<string, string> {
  if (isNone(json)) return {};
  const parsed = headersSchema.safeParse(parseOrUndefined(json));
  if (parsed.success) {
    // The engine sets the depth header; a function must not override it in any spelling.
    return Object.fromEntries(
      Object.entries(parsed.data).filter(([name]) => name.toLowerCase() !== DEPTH_HEADER),
    );
  }
  throw new AppError(
    'invalid_request',
    `The headers must be a JSON object of strings, not ${json.slice(0, 100)}.`,
  );
}
