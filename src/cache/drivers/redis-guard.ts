import { Cluster } from 'ioredis';
import type { Namespace } from '../../contract/ids.js';
import { MB } from '../../contract/limits.js';
import type { RedisConnection } from '../../redis/connection.js';

/**
 * Redis sorted set: namespace → bytes of its entries, as last reported by a process that wrote one.
 */
const TOTALS = 'orama:cache-totals';
/**
 * When a process checks the sizes after a write: after this delay, or sooner after this many bytes.
 */
const CHECK_DELAY_MS = 250;
const CHECK_BYTES = 4 * MB;
/**
 * Fraction of Redis' `maxmemory` above which the cache shrinks, regardless of its own limits. The
 * rest is reserved for the queue.
 */
const PRESSURE = 0.8;
/**
 * Eviction continues to this fraction of the limit, so that the next write does not evict again.
 */
const SLACK = 0.9;
const MAX_ROUNDS = 500;

export interface RedisGuardOptions {
  redis: RedisConnection;
  maxBytes: number;
  /** Evicts about `bytes` bytes of a namespace. `left` is the size of its entries afterwards. */
  evict(namespace: Namespace, bytes: number): Promise<{ freed: number; left: number }>;
}

/**
 * Keeps the cache from filling the Redis that it shares with the queue. When all namespaces
 * together exceed `maxBytes`, or Redis approaches its `maxmemory`, entries of the largest namespace
 * are evicted. Only cache keys are ever deleted.
 */
export class RedisGuard {
  readonly #options: RedisGuardOptions;
  readonly #unreported = new Map<Namespace, number>();
  #written = 0;
  #timer: NodeJS.Timeout | undefined;
  #checking: Promise<void> | undefined;
  #closed = false;

  constructor(options: RedisGuardOptions) {
    this.#options = options;
  }

  /**
   * Records the total size of a namespace after a write of `bytes` bytes, or 0 after a deletion.
   * Resolves when the write may be acknowledged.
   */
  async recordWrite(namespace: Namespace, total: number, bytes: number): Promise<void> {
    this.#unreported.set(namespace, total);
    this.#written += bytes;
    // Backpressure: a process that writes much waits for the eviction.
    if (this.#written >= CHECK_BYTES) await this.check();
    else this.#timer ??= setTimeout(() => void this.check(), CHECK_DELAY_MS).unref();
  }

  check(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#written = 0;
    this.#checking ??= this.#shrink()
      // Redis is unreachable or full; the next write checks again.
      .catch(() => undefined)
      .finally(() => {
        this.#checking = undefined;
      });
    return this.#checking;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#checking;
  }

  async #shrink(): Promise<void> {
    const { redis, maxBytes, evict } = this.#options;
    const totals = await this.#share();
    const sum = [...totals.values()].reduce((all, bytes) => all + bytes, 0);
    const pressure = await this.#pressure();
    let excess = Math.max(sum > maxBytes ? sum - maxBytes * SLACK : 0, Math.min(pressure, sum));
    for (let round = 0; excess > 0 && round < MAX_ROUNDS && !this.#closed; round += 1) {
      const [namespace, bytes] = [...totals].reduce((most, each) => (each[1] > most[1] ? each : most));
      if (bytes === 0) return;
      const { freed, left } = await evict(namespace, Math.min(excess, bytes));
      excess -= freed;
      // If nothing was evicted, do not try this namespace again. Otherwise `left` may exceed the
      // earlier total, since other processes may have written meanwhile.
      totals.set(namespace, freed === 0 ? 0 : left);
      await redis.zadd(TOTALS, String(left), namespace).catch(() => undefined);
    }
  }

  /** Publishes the sizes that this process knows and returns those of all processes. */
  async #share(): Promise<Map<Namespace, number>> {
    const { redis } = this.#options;
    const reported = [...this.#unreported];
    this.#unreported.clear();
    if (reported.length > 0) {
      // A full Redis refuses the write; the local values are then overlaid on what is read.
      await redis
        .zadd(TOTALS, ...reported.flatMap(([name, bytes]) => [String(bytes), name]))
        .catch(() => undefined);
      await redis.zremrangebyscore(TOTALS, '-inf', '0').catch(() => undefined);
    }
    const members = await redis.zrange(TOTALS, '0', '-1', 'WITHSCORES');
    const totals = new Map<Namespace, number>();
    for (let at = 0; at < members.length; at += 2)
      totals.set(members[at] as Namespace, Number(members[at + 1]));
    for (const [namespace, bytes] of reported) totals.set(namespace, bytes);
    return totals;
  }

  /**
   * Returns the bytes by which Redis exceeds its share of `maxmemory`; 0 if `maxmemory` is not set.
   */
  async #pressure(): Promise<number> {
    const { redis } = this.#options;
    const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis];
    const excess = await Promise.all(
      nodes.map(async (node) => {
        const info = await node.info('memory');
        const read = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
        const most = read('maxmemory');
        return most === 0 ? 0 : Math.max(0, read('used_memory') - most * PRESSURE);
      }),
    );
    return excess.reduce((sum, bytes) => sum + bytes, 0);
  }
}
