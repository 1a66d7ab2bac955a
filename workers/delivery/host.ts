import type { BufferBudget } from '../../src/concurrency/buffer-budget.js';
import type { HostCalls } from '../../src/contract/host-functions.js';
import { storeBlob } from '../../src/core/functions/stored-blobs.js';
import type { CallDepth } from '../../src/core/invocations/call-depth.js';
import type { Secrets } from '../../src/core/secrets.js';
import { AppError } from '../../src/errors.js';
import type { Blobs } from '../../src/ports/blobs.js';
import type { Cache } from '../../src/ports/cache.js';
import type { Egress } from '../../src/ports/egress.js';
import type { FunctionDatabases } from '../../src/ports/function-databases.js';
import type { Store } from '../../src/ports/store.js';
import { GuestFetches } from './guest-fetches.js';
import { GuestJobs, type GuestJobsDeps } from './guest-jobs.js';
import type { HostRun } from './host-run.js';
import { retryingCache } from './retrying-cache.js';
import { parseSqlArgs } from './sql-args.js';

export interface HostDeps extends GuestJobsDeps {
  secrets: Pick<Secrets, 'read'>;
  databases: Pick<FunctionDatabases, 'query' | 'execute'>;
  cache: Cache;
  blobs: Blobs;
  store: Pick<Store, 'blobOwners'>;
  egress: Egress;
  depths: Pick<CallDepth, 'sign'>;
  /** Limits what host calls hold in this process; see `budgetedHost`. */
  buffers: BufferBudget;
}

/**
 * Creates the host functions of one invocation. Every call acts in the invocation's namespace and
 * is aborted when the guest ends. An error that a call throws is written to the invocation's log.
 */
export function createHost(deps: HostDeps, run: HostRun): HostCalls {
  const { secrets, databases, blobs, store, quotas } = deps;
  const { namespace } = run.invocation;
  const cache = retryingCache(deps.cache);
  const fetches = new GuestFetches(deps, run);
  const jobs = new GuestJobs(deps, run);
  const timeoutMs = run.function.timeout_seconds * 1000;
  const sqlOptions = (signal: AbortSignal) => ({ timeoutMs, signal });

  return {
    get_secret: (name) => secrets.read(namespace, name),

    async db_query(statement, argsJson, signal) {
      return (await databases.query(namespace, statement, parseSqlArgs(argsJson), sqlOptions(signal))).json;
    },
    async db_execute(statement, argsJson, signal) {
      const args = parseSqlArgs(argsJson);
      return (await databases.execute(namespace, statement, args, sqlOptions(signal))).rowsAffected;
    },

    cache_get: (key) => cache.get(namespace, key),
    cache_set: (key, value, ttlSeconds) => cache.set(namespace, key, value, ttlSeconds),
    cache_incr: (key) => cache.increment(namespace, key, 1n),
    cache_incr_by: (key, delta) => cache.increment(namespace, key, delta),
    cache_delete: (key) => cache.delete(namespace, key),

    http_fetch: (method, url, headers, body, signal) => fetches.fetch(method, url, headers, body, signal),
    http_start: (method, url, headers, body, signal) => fetches.start(method, url, headers, body, signal),
    http_next: (waitMs) => fetches.next(waitMs),

    pubsub_publish: (topic, data) => jobs.publish(topic, data),
    enqueue: (name, payload, delaySeconds) => jobs.enqueue(name, payload, delaySeconds),

    storage_put: (data) =>
      storeBlob({ blobs, owners: store.blobOwners, quotas }, namespace, { bytes: data, name: '' }),
    async storage_get(cid) {
      if (!(await store.blobOwners.get(namespace, cid))) {
        throw new AppError('not_found', `This namespace has put no blob with the CID "${cid}".`);
      }
      return blobs.get(cid);
    },
  };
}
