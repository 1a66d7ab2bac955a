import { randomUUID } from 'node:crypto';
import type { Lease, Leases } from '../../../src/ports/leases.js';
import type { RedisConnection } from '../../../src/redis/connection.js';
import { RedisScript } from '../../../src/redis/script.js';
import { queueUnavailable } from '../../errors.js';
import type { Warn } from '../../warn.js';
import { KEY_PREFIX } from './key-prefix.js';
import { luaOf } from './lua-scripts.js';

/**
 * The lifetime of a lease that is not renewed, in milliseconds: the delay after which a dead holder
 * loses it.
 */
const LEASE_MS = 12_000;
const RENEW_EVERY_MS = LEASE_MS / 3;

/** Counting leases, stored in Redis as one sorted set of tokens per key. */
export class RedisLeases implements Leases {
  readonly #connection: RedisConnection;
  readonly #warn: Warn;
  readonly #held = new Map<string, Set<string>>();
  readonly #renewal: NodeJS.Timeout;
  readonly #acquire = new RedisScript(luaOf('acquireLease-1'));
  readonly #count = new RedisScript(luaOf('countLeases-1'));
  readonly #renewAll = new RedisScript(luaOf('renewLeases-1'));

  constructor(connection: RedisConnection, warn: Warn) {
    this.#connection = connection;
    this.#warn = warn;
    this.#renewal = setInterval(() => void this.#renew(), RENEW_EVERY_MS);
    this.#renewal.unref();
  }

  async acquire(key: string, limit: number): Promise<Lease | null> {
    const token = randomUUID();
    try {
      const got = await this.#acquire.run(this.#connection, [keyOf(key)], [token, limit, LEASE_MS]);
      if (got !== 1) return null;
    } catch (error) {
      throw queueUnavailable(error);
    }
    const tokens = this.#held.get(key) ?? new Set();
    this.#held.set(key, tokens.add(token));
    return { release: () => this.#release(key, token) };
  }

  async held(key: string): Promise<number> {
    try {
      return Number(await this.#count.run(this.#connection, [keyOf(key)], []));
    } catch (error) {
      throw queueUnavailable(error);
    }
  }

  async #release(key: string, token: string): Promise<void> {
    const tokens = this.#held.get(key);
    if (!tokens?.delete(token)) return;
    if (tokens.size === 0) this.#held.delete(key);
    try {
      await this.#connection.zrem(keyOf(key), token);
    } catch (error) {
      this.#warn(`The lease on ${key} could not be released; it will expire.`, error);
    }
  }

  async #renew(): Promise<void> {
    try {
      for (const [key, tokens] of this.#held) {
        await this.#renewAll.run(this.#connection, [keyOf(key)], [LEASE_MS, ...tokens]);
      }
    } catch (error) {
      this.#warn('Failed to renew leases; retrying.', error);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#renewal);
    await Promise.all(
      [...this.#held].flatMap(([key, tokens]) => [...tokens].map((token) => this.#release(key, token))),
    );
  }
}

function keyOf(key: string): string {
  return `${KEY_PREFIX}:lease:${key}`;
}
