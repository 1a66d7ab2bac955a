import { openFunctionDatabases } from '../../db/functions/open.js';
import { migrateStore, openStore, type StoreOptions } from '../../db/open.js';
import { timingsFor } from '../../queues/driver.js';
import { openQueues } from '../../queues/open.js';
import { openBlobs } from '../blobs/open.js';
import { openBus } from '../bus/open.js';
import { openCache } from '../cache/open.js';
import type { Closers } from '../closers.js';
import { type Config, defaultQuotas } from '../config.js';
import type { Namespace, RequestId } from '../contract/ids.js';
import { MB } from '../contract/limits.js';
import type { QuotaLimits } from '../contract/quotas.js';
import { newProcessId } from '../core/process-id.js';
import { createQuotas, type Quotas } from '../core/quotas.js';
import { type DataDir, openDataDir } from '../data-dir.js';
import { lockDataDir } from '../data-lock.js';
import { createEgress } from '../egress/fetch.js';
import { messageOf } from '../errors.js';
import type { Logger } from '../logger.js';
import { createMetrics, type Metrics } from '../metrics.js';
import type { Backlog } from '../ports/backlog.js';
import type { Blobs } from '../ports/blobs.js';
import type { Bus } from '../ports/bus.js';
import type { Cache } from '../ports/cache.js';
import type { Egress } from '../ports/egress.js';
import type { FunctionDatabases } from '../ports/function-databases.js';
import type { Leases } from '../ports/leases.js';
import type { Presence } from '../ports/presence.js';
import type { InvocationQueue, QueueShare } from '../ports/queue.js';
import type { RateLimiter } from '../ports/rate-limiter.js';
import type { Store } from '../ports/store.js';
import type { Tasks } from '../ports/tasks.js';
import type { Tracer } from '../ports/tracer.js';
import { openPresence } from '../presence/open.js';
import { openRateLimiter } from '../rate-limit/open.js';
import { removeReadyFile } from '../ready-file.js';
import { openTracer } from '../tracing/open.js';
import { watchClock } from './clock.js';
import { type InstallationKeys, loadKeys } from './keys.js';

/** All ports, opened with the drivers that the settings select. */
export interface Ports {
  config: Config;
  logger: Logger;
  metrics: Metrics;
  tracer: Tracer;
  /** Identifies this process on the bus. */
  processId: string;
  dataDir: DataDir;
  keys: InstallationKeys;
  store: Store;
  quotas: Quotas;
  queue: InvocationQueue;
  backlog: Backlog;
  leases: Leases;
  tasks: Tasks;
  blobs: Blobs;
  cache: Cache;
  bus: Bus;
  presence: Presence;
  databases: FunctionDatabases;
  rateLimiter: RateLimiter;
  egress: Egress;
}

/**
 * Opens all ports, beginning with the lock of the data directory. If one fails, the caller closes
 * those opened before through `closers`.
 */
export async function openPorts(config: Config, logger: Logger, closers: Closers): Promise<Ports> {
  if (config.READY_FILE !== undefined) await removeReadyFile(config.READY_FILE);
  const dataDir = await openDataDir(config.ORAMA_DATA_DIR, (message) => logger.warn(message));
  // With Redis, several processes may share the directory, which SQLite and the block store
  // support. The embedded queue counts its jobs in memory and needs exclusive access.
  if (config.REDIS_URL === undefined) closers.add(await lockDataDir(dataDir.path));
  const keys = await loadKeys(config, dataDir);
  const tracer = closers.add(openTracer(config.OTEL_EXPORTER_OTLP_ENDPOINT));

  const store = closers.add(await openStoreOf(config, dataDir));
  const warn = (message: string, error: unknown) => logger.warn({ err: messageOf(error) }, message);
  const redis = config.REDIS_URL === undefined ? null : { driver: 'redis' as const, url: config.REDIS_URL };
  const bus = closers.add(await openBus(redis ?? { driver: 'local' }, warn));
  const quotas = closers.add(
    await createQuotas({ store: store.quotas, bus, defaults: defaultQuotas(config) }),
  );
  const queueOptions = {
    maxWaiting: config.QUEUE_MAX_WAITING,
    maxBytes: config.QUEUE_MAX_MB * 2 ** 20,
    timings: timingsFor(config.QUEUE_LOCK_SECONDS * 1000),
    shareOf: (namespace: Namespace) => queueShare(quotas, namespace),
    hasEnded: async (id: RequestId) => (await store.attempts.invocation(id)) !== null,
    warn,
  };
  const queues = closers.add(
    await openQueues(
      config.REDIS_URL
        ? { driver: 'redis', url: config.REDIS_URL, ...queueOptions }
        : { driver: 'sqlite', dir: dataDir.path, ...queueOptions },
    ),
  );
  if (config.REDIS_URL !== undefined) closers.add(await watchClock(config.REDIS_URL, logger));
  const blobs = closers.add(
    await openBlobs(
      config.IPFS_API_URL
        ? { driver: 'kubo', url: config.IPFS_API_URL }
        : { driver: 'local', dir: dataDir.blobs },
    ),
  );
  const cacheLimitOf = async (namespace: Namespace) => (await quotas.limits(namespace)).cache_mb * MB;
  const cache = closers.add(
    await openCache(
      config.OLRIC_URL
        ? { driver: 'olric', url: config.OLRIC_URL, limitOf: cacheLimitOf }
        : {
            ...(redis ?? { driver: 'memory' }),
            maxBytes: config.CACHE_MAX_MB * MB,
            limitOf: cacheLimitOf,
          },
    ),
  );
  const leaseMs = config.PRESENCE_LEASE_SECONDS * 1000;
  const presence = closers.add(await openPresence({ ...(redis ?? { driver: 'local' }), leaseMs }));
  const rateLimiter = closers.add(await openRateLimiter(redis ?? { driver: 'local' }));
  const databases = closers.add(
    await openFunctionDatabases({
      ...(config.FUNCTION_DB_URL
        ? { driver: 'rqlite', url: config.FUNCTION_DB_URL, namespace: config.FUNCTION_DB_NAMESPACE }
        : { driver: 'sqlite', directory: dataDir.functionDatabases }),
      limitOf: async (namespace) => (await quotas.limits(namespace)).database_mb * MB,
    }),
  );
  const egress = closers.add(createEgress({ allow: config.EGRESS_ALLOW ?? [] }));

  return {
    config,
    logger,
    metrics: createMetrics(),
    tracer,
    processId: newProcessId(),
    dataDir,
    keys,
    store,
    quotas,
    queue: queues.queue,
    backlog: queues.backlog,
    leases: queues.leases,
    tasks: queues.tasks,
    blobs,
    cache,
    bus,
    presence,
    databases,
    rateLimiter,
    egress,
  };
}

/** Synchronous while the quotas of the namespace are cached, as it is called for every add. */
function queueShare(quotas: Quotas, namespace: Namespace): QueueShare | Promise<QueueShare> {
  const cached = quotas.peek(namespace);
  return cached === null ? quotas.limits(namespace).then(shareOf) : shareOf(cached);
}

function shareOf(limits: QuotaLimits): QueueShare {
  return {
    waitingJobs: limits.waiting_jobs,
    waitingBytes: limits.waiting_mb * MB,
    delayedJobs: limits.delayed_jobs,
  };
}

/**
 * Applies pending schema migrations of the store (the Procfile's `release`). Resolves with the
 * names of the applied migrations.
 */
export async function migrate(config: Config, logger: Logger): Promise<string[]> {
  const dataDir = await openDataDir(config.ORAMA_DATA_DIR, (message) => logger.warn(message));
  return migrateStore(storeOptions(config, dataDir));
}

/** Opens only the store. */
export function openStoreOf(config: Config, dataDir: DataDir): Promise<Store> {
  return openStore(storeOptions(config, dataDir));
}

function storeOptions(config: Config, dataDir: DataDir): StoreOptions {
  return config.RQLITE_URL
    ? { driver: 'rqlite', urls: config.RQLITE_URL }
    : { driver: 'sqlite', file: dataDir.metadata };
}
