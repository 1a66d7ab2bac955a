import { bytesOf } from './bytes.js';
import { DB } from './database.js';
import type { Bytes } from './host.js';
import * as host from './host.js';

const text = new TextDecoder();

function contentOf(value: unknown): Bytes {
  return bytesOf(value) ?? String(value).toWellFormed();
}

function json(value: unknown, what: string): string {
  const encoded = JSON.stringify(value);
  if (encoded === undefined)
    throw new TypeError(`${what} must be a value that JSON can hold, not ${typeof value}`);
  return encoded;
}

type GetType = 'text' | 'json' | 'arrayBuffer';

/** `env.CACHE`: the API of Workers KV with an additional counter. */
export const CACHE = {
  async get(key: string, options: GetType | { type?: GetType } = 'text'): Promise<unknown> {
    const type = typeof options === 'string' ? options : (options.type ?? 'text');
    const value = host.cacheGet(key);
    if (value === null) return null;
    if (type === 'arrayBuffer') return value.buffer;
    return type === 'json' ? JSON.parse(text.decode(value)) : text.decode(value);
  },
  async put(
    key: string,
    value: unknown,
    { expirationTtl = 0 }: { expirationTtl?: number } = {},
  ): Promise<void> {
    if (!Number.isInteger(expirationTtl) || expirationTtl < 0) {
      throw new RangeError(`expirationTtl is in whole seconds, 0 for ever, not ${expirationTtl}`);
    }
    host.cacheSet(key, contentOf(value), expirationTtl);
  },
  async delete(key: string): Promise<boolean> {
    return host.cacheDelete(key);
  },
  async increment(key: string, by = 1): Promise<number | bigint> {
    if (!Number.isSafeInteger(by)) throw new RangeError(`A counter goes by whole numbers, not ${by}`);
    return host.cacheIncrement(key, by);
  },
};

class StoredObject {
  readonly cid: string;
  readonly size: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;

  constructor(cid: string, bytes: Uint8Array<ArrayBuffer>) {
    this.cid = cid;
    this.size = bytes.length;
    this.#bytes = bytes;
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#bytes.slice();
  }
  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#bytes.slice().buffer;
  }
  async text(): Promise<string> {
    return text.decode(this.#bytes);
  }
  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }
}

/** `env.STORAGE`: blobs by CID. */
export const STORAGE = {
  async put(data: unknown): Promise<string> {
    const cid = host.storagePut(contentOf(data));
    if (cid === null) throw new Error('The data was not stored; the log says why');
    return cid;
  },
  async get(cid: string): Promise<StoredObject | null> {
    const bytes = host.storageGet(cid);
    return bytes === null ? null : new StoredObject(cid, bytes);
  },
};

export const SECRETS = {
  async get(name: string): Promise<string | null> {
    return host.getSecret(name);
  },
};

/** Publishes a message; it is durable when the promise resolves. */
export async function publish(topic: string, data?: unknown): Promise<void> {
  if (!host.publish(topic, json(data ?? null, 'data')))
    throw new Error(`Nothing was published on ${topic}; the log says why`);
}

/** Enqueues an invocation. Resolves with its id. */
export async function enqueue(
  name: string,
  payload?: unknown,
  { delay = 0 }: { delay?: number } = {},
): Promise<string> {
  if (!(delay >= 0)) throw new RangeError(`delay is in seconds, 0 or more, not ${delay}`);
  const id = host.enqueue(name, json(payload ?? null, 'payload'), Math.ceil(delay));
  if (id === null) throw new Error(`${name} was not enqueued; the log says why`);
  return id;
}

const bindings = { DB, CACHE, STORAGE, SECRETS, publish, enqueue };

/**
 * The bindings, and as a fallback the values of `env` in function.yaml, which are read on access.
 */
export const env: object = new Proxy(bindings, {
  get(target, name, receiver) {
    if (typeof name !== 'string' || Object.hasOwn(target, name)) return Reflect.get(target, name, receiver);
    return host.getEnv(name) ?? undefined;
  },
  has(target, name) {
    return Object.hasOwn(target, name) || (typeof name === 'string' && host.getEnv(name) !== null);
  },
});
