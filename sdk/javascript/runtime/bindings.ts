import { Blob } from './blob.js';
import { bytesOf } from './bytes.js';
import { DB } from './database.js';
import type { Bytes } from './host.js';
import * as host from './host.js';
import { Response } from './response.js';
import { ReadableStream } from './streams.js';

const text = new TextDecoder();

/**
 * Returns what is stored for a value. Only a stream or blob is read asynchronously: the next call
 * of a function that does not await `put` must find the other ones stored. An object would be
 * stored as "[object Object]", which is never what was meant.
 */
function contentOf(value: unknown): Bytes | Promise<Bytes> {
  const bytes = bytesOf(value);
  if (bytes !== null) return bytes;
  if (value instanceof ReadableStream || value instanceof Blob) return new Response(value).send();
  if (value === null || !['string', 'number', 'boolean', 'bigint'].includes(typeof value)) {
    const given = value === null ? 'null' : typeof value;
    throw new TypeError(`A value must be text, bytes, a ReadableStream or a Blob, not ${given}`);
  }
  return String(value).toWellFormed();
}

interface Expiry {
  expirationTtl?: number;
  expiration?: number;
}

/** Returns the seconds after which an entry expires, 0 for never. */
function ttlOf({ expirationTtl, expiration }: Expiry): number {
  if (expirationTtl === undefined && expiration !== undefined) {
    const ttl = expiration - Math.floor(Date.now() / 1000);
    if (!Number.isInteger(expiration) || ttl < 1)
      throw new RangeError(`expiration is in whole seconds since 1970, after now, not ${expiration}`);
    return ttl;
  }
  const ttl = expirationTtl ?? 0;
  if (!Number.isInteger(ttl) || ttl < 0)
    throw new RangeError(`expirationTtl is in whole seconds, 0 for ever, not ${ttl}`);
  return ttl;
}

function json(value: unknown, what: string): string {
  const encoded = JSON.stringify(value);
  if (encoded === undefined)
    throw new TypeError(`${what} must be a value that JSON can hold, not ${typeof value}`);
  return encoded;
}

const READERS = {
  text: (bytes: Uint8Array<ArrayBuffer>) => text.decode(bytes),
  json: (bytes: Uint8Array<ArrayBuffer>) => JSON.parse(text.decode(bytes)) as unknown,
  arrayBuffer: (bytes: Uint8Array<ArrayBuffer>) => bytes.buffer,
  stream: (bytes: Uint8Array<ArrayBuffer>) => new Response(bytes).body,
};
type GetType = keyof typeof READERS;

/** `env.CACHE`: the API of Workers KV with an additional counter. */
export const CACHE = {
  async get(key: string, options: GetType | { type?: GetType } = 'text'): Promise<unknown> {
    const type = typeof options === 'string' ? options : (options.type ?? 'text');
    if (!Object.hasOwn(READERS, type))
      throw new TypeError(`The type of a value is ${Object.keys(READERS).join(', ')}, not ${type}`);
    const value = host.cacheGet(key);
    return value === null ? null : READERS[type](value);
  },
  async put(key: string, value: unknown, options: Expiry = {}): Promise<void> {
    const ttl = ttlOf(options);
    const content = contentOf(value);
    host.cacheSet(key, content instanceof Promise ? await content : content, ttl);
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
    const content = contentOf(data);
    const cid = host.storagePut(content instanceof Promise ? await content : content);
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
