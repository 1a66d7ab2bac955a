import { Cluster } from 'ioredis';
import type { Namespace } from '../../contract/ids.js';
import type { RedisConnection } from '../../redis/connection.js';

/** Set: namespace → bytes of its entries, as last told by whoever wrote one. */
const TOTALS = 'orama:cache-totals';
/** How soon a process looks again after it has written: at the latest, and after so many bytes. */
const LOOK_MS = 250;
const LOOK_BYTES = 4 << 20;
/**
 * Of its `maxmemory` Redis keeps this much for the queue: above it the cache shrinks, whatever it
 * may hold.
 */
const PRESSURE = 0.8;
/** Freed below the bound, so that the next write does not evict again. */
const SLACK = 0.9;
const MAX_ROUNDS = 500;

export interface RedisGuardOptions {
  redis: RedisConnection;
  maxBytes: number;
  /** Evicts about so many bytes of a namespace. `left`: what its entries take then. */
  evict(namespace: Namespace, bytes: number): Promise<{ freed: number; left: number }>;
}

/**
 * Keeps the cache from filling the Redis that it shares with the queue: beyond `maxBytes` of all
 * namespaces, and while Redis comes near its `maxmemory`, entries of the namespace that has most
 * are evicted. Nothing but cache keys is ever deleted.
 */
export class RedisGuard {
  readonly #options: RedisGuardOptions;
  readonly #told = new Map<Namespace, number>();
  #written = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #closed = false;

  constructor(options: RedisGuardOptions) {
    this.#options = options;
  }

  /**
   * What a namespace's entries take after a write of so many bytes. Resolves when the write may be
   * answered.
   */
  async wrote(namespace: Namespace, total: number, bytes: number): Promise<void> {
    this.#told.set(namespace, total);
    this.#written += bytes;
    // Whoever writes much waits for room to be made: it cannot write faster than is evicted.
    if (this.#written >= LOOK_BYTES) await this.look();
    else this.#timer ??= setTimeout(() => void this.look(), LOOK_MS).unref();
  }

  look(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#written = 0;
    this.#looking ??= this.#shrink()
      // Redis is away or full; the next write looks again.
      .catch(() => undefined)
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#looking;
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
      // One that has nothing to evict is not tried again. Others may have written to it meanwhile:
      // `left` may be more than it was.
      totals.set(namespace, freed === 0 ? 0 : left);
      await redis.zadd(TOTALS, String(left), namespace).catch(() => undefined);
    }
  }

  /** Tells what this process knows, and hears what all know. */
  async #share(): Promise<Map<Namespace, number>> {
    const { redis } = this.#options;
    const told = [...this.#told];
    this.#told.clear();
    if (told.length > 0) {
      // Redis takes no new values while it is full: then what is told here goes by what is heard.
      await redis
        .zadd(TOTALS, ...told.flatMap(([name, bytes]) => [String(bytes), name]))
        .catch(() => undefined);
      await redis.zremrangebyscore(TOTALS, '-inf', '0').catch(() => undefined);
    }
    const heard = await redis.zrange(TOTALS, '0', '-1', 'WITHSCORES');
    const totals = new Map<Namespace, number>();
    for (let at = 0; at < heard.length; at += 2) totals.set(heard[at] as Namespace, Number(heard[at + 1]));
    for (const [namespace, bytes] of told) totals.set(namespace, bytes);
    return totals;
  }

  /** Bytes by which Redis is above its share of `maxmemory`; 0 where it has none. */
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
