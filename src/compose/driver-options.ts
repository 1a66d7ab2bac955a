import type { FunctionDatabasesOptions } from '../../db/function-databases/open.js';
import type { StoreOptions } from '../../db/open.js';
import type { QueuesOptions } from '../../queues/open.js';
import { timingsFor } from '../../queues/timings.js';
import type { Warn } from '../../queues/warn.js';
import type { BlobsOptions } from '../blobs/open.js';
import type { CacheOptions } from '../cache/open.js';
import type { Config } from '../config.js';
import type { Namespace } from '../contract/ids.js';
import { MB } from '../contract/limits.js';
import type { QuotaLimits } from '../contract/quotas.js';
import type { Quotas } from '../core/quotas.js';
import type { DataDir } from '../files/data-dir.js';
import type { NamespaceQueueLimits } from '../ports/queue.js';
import type { Store } from '../ports/store.js';

/** The driver of the ports that processes share through Redis, or of a single process. */
export function sharedOptions(config: Config): { driver: 'redis'; url: string } | { driver: 'local' } {
  return config.REDIS_URL === undefined ? { driver: 'local' } : { driver: 'redis', url: config.REDIS_URL };
}

export function storeOptions(config: Config, dataDir: DataDir): StoreOptions {
  return config.RQLITE_URL
    ? { driver: 'rqlite', urls: config.RQLITE_URL }
    : { driver: 'sqlite', file: dataDir.metadata };
}

export function queueOptions(
  config: Config,
  dataDir: DataDir,
  { quotas, store, warn }: { quotas: Quotas; store: Store; warn: Warn },
): QueuesOptions {
  return {
    ...(config.REDIS_URL
      ? { driver: 'redis', url: config.REDIS_URL }
      : { driver: 'sqlite', dir: dataDir.path }),
    maxWaiting: config.QUEUE_MAX_WAITING,
    maxBytes: config.QUEUE_MAX_MB * MB,
    timings: timingsFor(config.QUEUE_LOCK_SECONDS * 1000),
    limitsOf: (namespace) => queueLimits(quotas, namespace),
    hasEnded: async (id) => (await store.attempts.invocation(id)) !== null,
    warn,
  };
}

export function blobsOptions(config: Config, dataDir: DataDir): BlobsOptions {
  return config.IPFS_API_URL
    ? { driver: 'kubo', url: config.IPFS_API_URL }
    : { driver: 'local', dir: dataDir.blobs };
}

export function cacheOptions(config: Config, quotas: Quotas): CacheOptions {
  const limitOf = async (namespace: Namespace) => (await quotas.limits(namespace)).cache_mb * MB;
  if (config.OLRIC_URL) return { driver: 'olric', url: config.OLRIC_URL, limitOf };
  const maxBytes = config.CACHE_MAX_MB * MB;
  return config.REDIS_URL === undefined
    ? { driver: 'memory', maxBytes, limitOf }
    : { driver: 'redis', url: config.REDIS_URL, maxBytes, limitOf };
}

export function databasesOptions(config: Config, dataDir: DataDir, quotas: Quotas): FunctionDatabasesOptions {
  return {
    ...(config.FUNCTION_DB_URL
      ? { driver: 'rqlite', url: config.FUNCTION_DB_URL, namespace: config.FUNCTION_DB_NAMESPACE }
      : { driver: 'sqlite', directory: dataDir.functionDatabases }),
    limitOf: async (namespace) => (await quotas.limits(namespace)).database_mb * MB,
  };
}

/** Synchronous while the quotas of the namespace are cached, as it is called for every add. */
function queueLimits(
  quotas: Quotas,
  namespace: Namespace,
): NamespaceQueueLimits | Promise<NamespaceQueueLimits> {
  const cached = quotas.peek(namespace);
  return cached === null ? quotas.limits(namespace).then(limitsOf) : limitsOf(cached);
}

function limitsOf(limits: QuotaLimits): NamespaceQueueLimits {
  return {
    waitingJobs: limits.waiting_jobs,
    waitingBytes: limits.waiting_mb * MB,
    delayedJobs: limits.delayed_jobs,
  };
}
