import type { Redis } from 'ioredis';
import { FairLimiter, type FairLimits } from '../../concurrency/fair-limiter.js';
import type { Namespace } from '../../contract/ids.js';
import { AppError, isAppError, messageOf } from '../../errors.js';
import type { Cache, KeyFilter } from '../../ports/cache.js';
import { unavailable, untilReady } from '../../redis/connection.js';
import { COUNTER_BYTES, checkKey, INTEGER, isInt64, notAnInteger, sizeOf, ttlMs } from '../checks.js';
import type { CacheLimits } from '../limits.js';
import { connectOlric, OlricMembers } from './olric-members.js';
import { OlricUse } from './olric-use.js';

/** On Olric, the total size of all namespaces is set in Olric's own configuration. */
export interface OlricCacheOptions extends Pick<CacheLimits, 'limitOf'> {
  /** redis://[:password@]host:port of any member. */
  url: string;
}

const MAX_KEY_BYTES = 255;
/**
 * Values that `getUpTo` reads at once. Olric has no command for the size of a value, so each may
 * have the largest size, 8 MB.
 */
const READS: FairLimits = { each: 8, all: 32 };
/** A DMap that belongs to no namespace. */
const PING_DMAP = 'orama:cache-ping';

/** Opens the cache of all processes on Olric. */
export async function openOlricCache({ url, limitOf }: OlricCacheOptions): Promise<Cache> {
  return new OlricCache(await connectOlric(url), { url, limitOf });
}

/**
 * The cache of all processes on Olric, with one DMap per namespace. Olric's INCR treats a value
 * that is not a number as 0 and wraps around at 64 bits, so the value is read and checked first. If
 * another client sets the key to text between the check and the INCR, that text is lost, which a
 * cache may do. Any member serves all keys, but SCAN covers only the member's own partitions.
 */
class OlricCache implements Cache {
  readonly driver = 'olric';
  readonly #olric: Redis;
  readonly #members: OlricMembers;
  readonly #use: OlricUse;
  readonly #reads = new FairLimiter(READS);

  constructor(olric: Redis, { url, limitOf }: OlricCacheOptions) {
    this.#olric = olric;
    this.#members = new OlricMembers(olric, url);
    this.#use = new OlricUse({ limitOf, stats: () => this.#stats(), dmapOf: dmap });
  }

  async get(namespace: Namespace, key: string): Promise<Buffer | null> {
    return this.#call<Buffer>('DM.GET', dmap(namespace), checkKey(key));
  }

  async getUpTo(namespace: Namespace, key: string): Promise<Buffer | null> {
    return this.#reads.run(namespace, () => this.get(namespace, key));
  }

  async set(namespace: Namespace, key: string, value: Uint8Array, ttlSeconds: number): Promise<void> {
    const ms = ttlMs(ttlSeconds);
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    const expiry = ms === 0 ? [] : ['PX', String(ms)];
    await this.#use.admit(namespace, sizeOf(checkKey(key), bytes.byteLength));
    await this.#call('DM.PUT', dmap(namespace), key, bytes, ...expiry);
  }

  async increment(namespace: Namespace, key: string, delta: bigint): Promise<bigint> {
    const held = await this.get(namespace, key);
    const text = held?.toString('latin1') ?? '0';
    if (!INTEGER.test(text) || !isInt64(BigInt(text) + delta)) throw notAnInteger(key);
    await this.#use.admit(namespace, held === null ? sizeOf(key, COUNTER_BYTES) : 0);
    const sum = await this.#call<Buffer>('DM.INCR', dmap(namespace), key, delta.toString());
    return BigInt(String(sum));
  }

  async delete(namespace: Namespace, key: string): Promise<boolean> {
    // Olric's DEL reply does not say whether the key existed.
    if ((await this.get(namespace, key)) === null) return false;
    await this.#call('DM.DEL', dmap(namespace), key);
    return true;
  }

  async scan(namespace: Namespace, prefix: string, limit: number, filter?: KeyFilter): Promise<string[]> {
    const found = new Set<string>();
    try {
      const pages = this.#members.keys(dmap(namespace), `^${escapeRegExp(checkKey(prefix))}`);
      for await (const keys of pages) {
        for (const key of filter ? await filter(keys) : keys) if (found.size < limit) found.add(key);
        if (found.size >= limit) break;
      }
    } catch (error) {
      throw refusal(error);
    }
    return [...found];
  }

  bytes(namespace: Namespace): Promise<number> {
    return this.#use.bytes(namespace);
  }

  reachable(withinMs: number): Promise<void> {
    return untilReady(this.#olric, withinMs);
  }

  async ping(): Promise<void> {
    await this.#call('DM.PUT', PING_DMAP, 'ping', '1');
  }

  async close(): Promise<void> {
    this.#olric.disconnect();
    await this.#members.close();
  }

  /** Returns the reply, or null if Olric reports that the key does not exist. */
  async #call<T>(command: string, ...args: (string | Buffer)[]): Promise<T | null> {
    try {
      return (await this.#olric.callBuffer(command, ...args)) as T;
    } catch (error) {
      if (messageOf(error).startsWith('KEYNOTFOUND')) return null;
      throw refusal(error);
    }
  }

  async #stats(): Promise<string[]> {
    try {
      return await this.#members.stats();
    } catch (error) {
      throw refusal(error);
    }
  }
}

function dmap(namespace: Namespace): string {
  return `orama:cache:${namespace}`;
}

function refusal(error: unknown): AppError {
  if (isAppError(error, 'invalid_request')) return error;
  const message = messageOf(error);
  const tooLarge = message.startsWith('KEYTOOLARGE')
    ? `A cache key may have at most ${MAX_KEY_BYTES} bytes; use a shorter one`
    : message.startsWith('ENTRYTOOLARGE')
      ? 'The value is larger than the cache is configured to take; store less, or ask the operator to raise the limit'
      : null;
  if (tooLarge === null) return unavailable('cache', error);
  return new AppError('invalid_request', tooLarge, { cause: error });
}

/** Escapes text for a regular expression of Go, so that a prefix matches literally. */
function escapeRegExp(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}
