import { z } from 'zod';
import type { FunctionVersion } from '../../src/contract/function.js';
import type { HostCalls } from '../../src/contract/host-functions.js';
import { functionNameSchema } from '../../src/contract/ids.js';
import { MAX_HOST_RESULT_BYTES, MAX_TRIGGER_DEPTH, MB } from '../../src/contract/limits.js';
import { type CallDepth, DEPTH_HEADER } from '../../src/core/call-depth.js';
import { assertInputSize, type InvokeRequest, type Invoker } from '../../src/core/invoke.js';
import { JobBudget } from '../../src/core/job-budget.js';
import { utf8 } from '../../src/core/output-fields.js';
import type { Publisher } from '../../src/core/publish.js';
import type { Quotas } from '../../src/core/quotas.js';
import type { Secrets } from '../../src/core/secrets.js';
import { storeBlob } from '../../src/core/stored-blobs.js';
import { AppError, isAppError, messageOf } from '../../src/errors.js';
import { parseExact } from '../../src/exact-json.js';
import { isSimple } from '../../src/json-strings.js';
import { jsonTextOf } from '../../src/json-text.js';
import type { Blobs } from '../../src/ports/blobs.js';
import type { Cache } from '../../src/ports/cache.js';
import type { Egress } from '../../src/ports/egress.js';
import type { FunctionDatabases } from '../../src/ports/function-databases.js';
import type { Invocation } from '../../src/ports/queue.js';
import type { Store } from '../../src/ports/store.js';
import { ParallelFetches } from './parallel-fetches.js';
import { retryingCache } from './retrying-cache.js';

const HTTP_TIMEOUT_MS = 30_000;
/** Enough for as many numbers as a statement has parameters; parsing that many takes 20 ms. */
const MAX_PLAIN_ARGS = MB;

export interface HostDeps {
  secrets: Secrets;
  databases: FunctionDatabases;
  cache: Cache;
  blobs: Blobs;
  store: Store;
  egress: Egress;
  publisher: Publisher;
  invoker: Invoker;
  quotas: Quotas;
  depths: CallDepth;
}

const argsSchema = z.array(z.unknown());
const headersSchema = z.record(z.string(), z.string());

/**
 * Creates the host functions of one invocation. Every call acts in the invocation's namespace and
 * is aborted when the guest ends. An error that a call throws is written to the invocation's log.
 */
export function createHost(
  deps: HostDeps,
  run: { invocation: Invocation; function: FunctionVersion; guestEnd: { readonly signal: AbortSignal } },
): HostCalls {
  const { id: parentId, namespace, triggerDepth, traceparent } = run.invocation;
  const timeoutMs = run.function.timeout_seconds * 1000;
  const cache = retryingCache(deps.cache);
  let budget: JobBudget | undefined;
  const jobBudget = async () => {
    const { jobs_per_invocation: limit } = await deps.quotas.limits(namespace);
    budget ??= new JobBudget(namespace, limit);
    return budget;
  };
  const sql = () => ({ timeoutMs, signal: run.guestEnd.signal });
  const fetches = new ParallelFetches();

  const fetch = async (
    method: string,
    url: string,
    headersJson: string,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<string> => {
    try {
      const response = await deps.egress.fetch({
        method: method === '' ? 'GET' : method.toUpperCase(),
        url,
        headers: { ...parseHeaders(headersJson), [DEPTH_HEADER]: deps.depths.sign(triggerDepth) },
        body,
        timeoutMs: Math.min(HTTP_TIMEOUT_MS, timeoutMs),
        maxResponseBytes: MAX_HOST_RESULT_BYTES / 2,
        signal: AbortSignal.any([signal, run.guestEnd.signal]),
        ...(run.function.metadata.allowed_hosts ? { allowedHosts: run.function.metadata.allowed_hosts } : {}),
      });
      const text = utf8(response.body);
      return JSON.stringify({
        status: response.status,
        headers: response.headers,
        ...(text === null
          ? { body: '', body_base64: Buffer.from(response.body).toString('base64') }
          : { body: text }),
        ...(response.redirectedTo === undefined ? {} : { url: response.redirectedTo }),
      });
    } catch (error) {
      if (!isAppError(error)) throw error;
      return JSON.stringify({ error: messageOf(error), status: 0 });
    }
  };

  return {
    get_secret: (name) => deps.secrets.read(namespace, name),

    async db_query(statement, argsJson) {
      return (await deps.databases.query(namespace, statement, parseArgs(argsJson), sql())).json;
    },
    async db_execute(statement, argsJson) {
      return (await deps.databases.execute(namespace, statement, parseArgs(argsJson), sql())).rowsAffected;
    },

    cache_get: (key) => cache.get(namespace, key),
    cache_set: (key, value, ttlSeconds) => cache.set(namespace, key, value, ttlSeconds),
    cache_incr: (key) => cache.increment(namespace, key, 1n),
    cache_incr_by: (key, delta) => cache.increment(namespace, key, delta),
    cache_delete: (key) => cache.delete(namespace, key),

    http_fetch: fetch,
    async http_start(method, url, headersJson, body) {
      parseHeaders(headersJson);
      await deps.egress.check(url, run.function.metadata.allowed_hosts).catch((error) => {
        // `http_next` reports network errors; only a forbidden URL is refused at once.
        if (!isAppError(error, 'unavailable')) throw error;
      });
      return fetches.start(() => fetch(method, url, headersJson, body, run.guestEnd.signal));
    },
    http_next: (timeoutMs) => fetches.next(timeoutMs),

    async pubsub_publish(topic, data) {
      // Before the data is parsed.
      assertInputSize(data.byteLength);
      const depth = triggerDepth + 1;
      const { tooDeep } = await deps.publisher.publish({
        namespace,
        topic,
        bytes: data,
        data: jsonTextOf(data),
        depth,
        budget: await jobBudget(),
        parentId,
        ...(traceparent === undefined ? {} : { traceparent }),
      });
      if (!tooDeep) return 1;
      return {
        value: 1,
        note: `The message on "${topic}" fired no trigger: the trigger depth of ${MAX_TRIGGER_DEPTH} is reached.`,
      };
    },

    async storage_put(data) {
      const stores = { blobs: deps.blobs, owners: deps.store.blobOwners, quotas: deps.quotas };
      return storeBlob(stores, namespace, { bytes: data, name: '' });
    },
    async storage_get(cid) {
      if (!(await deps.store.blobOwners.get(namespace, cid))) {
        throw new AppError('not_found', `storage_get: this namespace has put no blob with the CID "${cid}".`);
      }
      return deps.blobs.get(cid);
    },

    async enqueue(name, payload, delaySeconds) {
      const parsed = functionNameSchema.safeParse(name);
      if (!parsed.success)
        throw new AppError('invalid_request', `enqueue: no function can be named "${name}".`);
      const depth = triggerDepth + 1;
      if (depth > MAX_TRIGGER_DEPTH) {
        throw new AppError(
          'invalid_request',
          `enqueue: "${name}" was not called, the trigger depth of ${MAX_TRIGGER_DEPTH} is reached.`,
        );
      }
      const jobs = await jobBudget();
      jobs.take(1);
      const request: InvokeRequest = {
        namespace,
        function: parsed.data,
        input: payload,
        trigger: 'async',
        triggerDepth: depth,
        callerWallet: run.invocation.callerWallet,
        delayMs: delaySeconds * 1000,
        parentId,
        ...(traceparent === undefined ? {} : { traceparent }),
      };
      try {
        return (await deps.invoker.send(request)).id;
      } catch (error) {
        jobs.refund(1);
        throw error;
      }
    },
  };
}

function parseArgs(json: string): unknown[] {
  if (json === '') return [];
  if (!isSimple(json, MAX_PLAIN_ARGS)) {
    throw new AppError(
      'invalid_sql',
      `The arguments have more than ${MAX_PLAIN_ARGS} characters beside the content of their texts; pass fewer, or longer ones.`,
    );
  }
  const parsed = argsSchema.safeParse(parseJson(json, parseExact));
  if (parsed.success) return parsed.data;
  throw new AppError('invalid_sql', `The arguments must be a JSON array, not ${json.slice(0, 100)}.`);
}

function parseHeaders(json: string): Record<string, string> {
  if (json === '') return {};
  const parsed = headersSchema.safeParse(parseJson(json));
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

function parseJson(json: string, parse: (json: string) => unknown = JSON.parse): unknown {
  try {
    return parse(json);
  } catch {
    return undefined;
  }
}
