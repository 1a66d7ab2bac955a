import { randomBytes } from 'node:crypto';
import { openFunctionDatabases } from '../../db/function-databases/open.js';
import { migrateStore, openStore } from '../../db/open.js';
import { openQueues } from '../../queues/open.js';
import { openBlobs } from '../blobs/open.js';
import { openBus } from '../bus/open.js';
import { openCache } from '../cache/open.js';
import type { Closers } from '../closers.js';
import { type Config, defaultQuotas } from '../config.js';
import { openQuotas, type Quotas } from '../core/quotas.js';
import { openEgress } from '../egress/fetch.js';
import { messageOf } from '../errors.js';
import { type DataDir, openDataDir } from '../files/data-dir.js';
import { lockDataDir, shareDataDir } from '../files/data-lock.js';
import type { Logger } from '../logger.js';
import { createMetrics, type Metrics } from '../metrics.js';
import type { Backlog } from '../ports/backlog.js';
import type { Blobs } from '../ports/blobs.js';
import type { Bus } from '../ports/bus.js';
import type { Cache } from '../ports/cache.js';
import type { Closable } from '../ports/closable.js';
import type { Egress } from '../ports/egress.js';
import type { FunctionDatabases } from '../ports/function-databases.js';
import type { Leases } from '../ports/leases.js';
import type { Presence } from '../ports/presence.js';
import type { InvocationQueue } from '../ports/queue.js';
import type { RateLimiter } from '../ports/rate-limiter.js';
import type { Store } from '../ports/store.js';
import type { Tasks } from '../ports/tasks.js';
import type { Tracer } from '../ports/tracer.js';
import { openPresence } from '../presence/open.js';
import { openRateLimiter } from '../rate-limit/open.js';
import { openTracer } from '../tracing/open.js';
import { watchClock } from './clock.js';
import {
  blobsOptions,
  cacheOptions,
  databasesOptions,
  queueOptions,
  sharedOptions,
  storeOptions,
} from './driver-options.js';
import { type InstallationKeys, loadKeys } from './keys.js';
import { localParts } from './shared.js';

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
  const dataDir = await openDataDir(config.ORAMA_DATA_DIR, (message) => logger.warn(message));
  const lock = lockOf(config, dataDir);
  if (lock !== undefined) closers.add(lock);
  const keys = await loadKeys(config, dataDir);
  const tracer = closers.add(openTracer(config.OTEL_EXPORTER_OTLP_ENDPOINT));

  const store = closers.add(await openStoreOf(config, dataDir));
  const warn = (message: string, error: unknown) =>
    logger.warn(error === undefined ? {} : { err: messageOf(error) }, message);
  const shared = sharedOptions(config);
  const bus = closers.add(await openBus(shared, warn));
  const quotas = closers.add(await openQuotas({ store: store.quotas, bus, defaults: defaultQuotas(config) }));
  const queues = closers.add(await openQueues(queueOptions(config, dataDir, { quotas, store, warn })));
  if (config.REDIS_URL !== undefined) closers.add(await watchClock(config.REDIS_URL, logger));
  const blobs = closers.add(await openBlobs(blobsOptions(config, dataDir)));
  const cache = closers.add(await openCache(cacheOptions(config, quotas)));
  const leaseMs = config.PRESENCE_LEASE_SECONDS * 1000;
  const presence = closers.add(await openPresence({ ...shared, leaseMs }));
  const rateLimiter = closers.add(await openRateLimiter(shared));
  const databases = closers.add(await openFunctionDatabases(databasesOptions(config, dataDir, quotas)));
  const egress = closers.add(openEgress({ allow: config.EGRESS_ALLOW ?? [] }));

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

/**
 * Applies pending schema migrations of the store (the Procfile's `release`). Resolves with the
 * names of the applied migrations.
 */
export async function migrate(config: Config, logger: Logger): Promise<string[]> {
  const dataDir = await openDataDir(config.ORAMA_DATA_DIR, (message) => logger.warn(message));
  const lock = lockOf(config, dataDir);
  try {
    return await migrateStore(storeOptions(config, dataDir));
  } finally {
    await lock?.close();
  }
}

/**
 * Locks the data directory, before anything in it is opened. With Redis, several processes may
 * share it, which SQLite and the block store support. The embedded queue counts its jobs in memory
 * and needs exclusive access.
 */
function lockOf(config: Config, { path }: DataDir): Closable | undefined {
  if (config.REDIS_URL === undefined) return lockDataDir(path);
  return localParts(config).length > 0 ? shareDataDir(path) : undefined;
}

/** Opens only the store. */
export function openStoreOf(config: Config, dataDir: DataDir): Promise<Store> {
  return openStore(storeOptions(config, dataDir));
}

/**
 * Generates the id of this process on the bus, to which its replies are sent. New at every start.
 */
function newProcessId(): string {
  return randomBytes(9).toString('base64url');
}
