import { randomUUID } from 'node:crypto';
import type { Lease, Leases } from '../../../src/ports/leases.js';
import { queueUnavailable } from '../../admission.js';
import type { Warn } from '../../driver.js';
import type { RedisConnection } from './connect.js';

/** A holder that dies loses its lease after this. */
const LEASE_MS = 12_000;
const RENEW_EVERY_MS = LEASE_MS / 3;

/**
 * KEYS: sorted set of token → end of lease. ARGV: token, limit, lease in ms. By Redis' clock, which
 * all share.
 */
const ACQUIRE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`;

/** Returns how many leases there are. */
const HELD = `
local time = redis.call('TIME')
return redis.call('ZCOUNT', KEYS[1], '(' .. time[1] * 1000 + math.floor(time[2] / 1000), '+inf')
`;

/**
 * ARGV: lease in ms, tokens. A lease that ran out meanwhile is taken again: its holder is still at
 * work.
 */
const RENEW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
`;

/** Counting locks as sorted sets of leases. */
export class RedisLeases implements Leases {
  readonly driver = 'redis';
  readonly #connection: RedisConnection;
  readonly #warn: Warn;
  readonly #held = new Map<string, Set<string>>();
  readonly #renewal: NodeJS.Timeout;

  constructor(connection: RedisConnection, warn: Warn) {
    this.#connection = connection;
    this.#warn = warn;
    this.#renewal = setInterval(() => void this.#renew(), RENEW_EVERY_MS);
    this.#renewal.unref();
  }

  async acquire(key: string, limit: number): Promise<Lease | null> {
    const token = randomUUID();
    try {
      const got = await this.#connection.eval(ACQUIRE, 1, keyOf(key), token, limit, LEASE_MS);
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
      return Number(await this.#connection.eval(HELD, 1, keyOf(key)));
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
      this.#warn(`The lease on ${key} could not be given back; it runs out by itself.`, error);
    }
  }

  async #renew(): Promise<void> {
    try {
      for (const [key, tokens] of this.#held) {
        await this.#connection.eval(RENEW, 1, keyOf(key), LEASE_MS, ...tokens);
      }
    } catch (error) {
      this.#warn('Leases could not be renewed; it will be tried again.', error);
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
  return `{orama}:lease:${key}`;
}
