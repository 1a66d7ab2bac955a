import { totalRunsPerHour } from '../core/events/schedule-runs.js';
import { toMb, type UsageReader } from '../core/quotas.js';
import { rateKey } from '../http/admission/admission.js';
import { socketKey } from '../http/admission/socket-lease.js';
import type { Ports } from './ports.js';

/** Returns a function that collects a namespace's usage of every quota. */
export function createUsageReader(ports: Ports): UsageReader {
  const { store, queue, databases, cache, leases, rateLimiter } = ports;
  return async (namespace) => {
    const today = new Date().toISOString().slice(0, 10);
    const [stored, triggers, queued, databaseBytes, cacheBytes, logBytes, sockets, requests] =
      await Promise.all([
        store.quotas.use(namespace),
        store.triggers.list(namespace),
        queue.use(namespace),
        databases.quotaBytes(namespace),
        cache.bytes(namespace),
        store.quotas.logBytes(namespace, today),
        leases.held(socketKey(namespace)),
        rateLimiter.used(rateKey(namespace)),
      ]);
    return {
      functions: stored.functions,
      versions_per_function: stored.versionsPerFunction,
      triggers: stored.triggers,
      schedule_runs_per_hour: totalRunsPerHour(triggers),
      secrets: stored.secrets,
      keys: stored.keys,
      database_mb: toMb(databaseBytes),
      storage_mb: toMb(stored.storageBytes),
      cache_mb: toMb(cacheBytes),
      log_mb_per_day: toMb(logBytes),
      waiting_jobs: queued.waiting,
      waiting_mb: toMb(queued.bytes),
      delayed_jobs: queued.delayed,
      jobs_per_invocation: 0,
      concurrent_guests: queued.running,
      sockets,
      requests_per_minute: requests,
    };
  };
}
