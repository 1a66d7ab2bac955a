// A fake of the engine for testing functions in Node.
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

class NonRetryableError extends Error {
  name = 'NonRetryableError';
  constructor(message, options) {
    super(message, options);
    this.exitCode = options?.exitCode ?? 65;
  }
}

/** Returns the bytes of a buffer, view or text; those of a stream or blob as a promise. */
function bytesOf(value) {
  if (value instanceof ArrayBuffer) return new Uint8Array(value.slice(0));
  if (ArrayBuffer.isView(value))
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
  if (value instanceof ReadableStream || value instanceof Blob)
    return new Response(value).arrayBuffer().then((buffer) => new Uint8Array(buffer));
  if (value === null || !['string', 'number', 'boolean', 'bigint'].includes(typeof value)) {
    const given = value === null ? 'null' : typeof value;
    throw new TypeError(`A value must be text, bytes, a ReadableStream or a Blob, not ${given}`);
  }
  return new TextEncoder().encode(String(value));
}

function ttlOf({ expirationTtl, expiration }) {
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
/** Converts a key or name as the runtime does, so that 5 and '5' are the same. */
const nameOf = (value) => `${value}`.toWellFormed();
const textOf = (bytes) => new TextDecoder().decode(bytes);

/** Returns what the receiver gets of a value that is sent as JSON. */
function sent(value, what) {
  const text = JSON.stringify(value ?? null);
  if (text === undefined)
    throw new TypeError(`${what} must be a value that JSON can hold, not ${typeof value}`);
  return JSON.parse(text);
}

const TOPIC = /^[^\s\p{Cc}]{1,256}$/u;
const FUNCTION_REF =
  /^(?!secrets(@|$))(?!.*@newest$)[A-Za-z0-9_-]{1,64}(@([1-9][0-9]{0,8}|[A-Za-z][A-Za-z0-9_-]{0,63}))?$/;
const MAX_DELAY_SECONDS = 7 * 24 * 3600;
const MAX_TTL_SECONDS = 10 * 365 * 24 * 3600;

export function createEnv({ env = {}, secrets = {}, sql } = {}) {
  const recorded = { published: [], enqueued: [] };
  const bindings = {
    DB: createDatabase(sql),
    CACHE: createCache(),
    STORAGE: createStorage(),
    SECRETS: { get: async (name) => (Object.hasOwn(secrets, name) ? secrets[name] : null) },
    async publish(topic, data) {
      const message = { topic: nameOf(topic), data: sent(data, 'data') };
      if (!TOPIC.test(message.topic))
        throw new Error(
          `Nothing was published on ${topic}; a topic has 1 to 256 characters, no blanks or control characters`,
        );
      recorded.published.push(message);
    },
    async enqueue(name, payload, { delay = 0 } = {}) {
      if (!(delay >= 0)) throw new RangeError(`delay is in seconds, 0 or more, not ${delay}`);
      const call = { name: nameOf(name), payload: sent(payload, 'payload'), delay: Math.ceil(delay) };
      if (!FUNCTION_REF.test(call.name))
        throw new Error(`${name} was not enqueued; it is no name, name@version or name@alias of a function`);
      if (call.delay > MAX_DELAY_SECONDS)
        throw new Error(
          `${name} was not enqueued; the delay is at most ${MAX_DELAY_SECONDS} s, not ${delay}`,
        );
      recorded.enqueued.push(call);
      return randomUUID();
    },
  };
  for (const [name, value] of Object.entries(recorded)) Object.defineProperty(bindings, name, { value });
  // Like that of a function: the values of `env` are read by name, and only the bindings are listed.
  return new Proxy(bindings, {
    get(target, name, receiver) {
      if (typeof name !== 'string' || Object.hasOwn(target, name)) return Reflect.get(target, name, receiver);
      return Object.hasOwn(env, name) ? env[name] : undefined;
    },
    has(target, name) {
      return Object.hasOwn(target, name) || (typeof name === 'string' && Object.hasOwn(env, name));
    },
  });
}

function createDatabase(sql) {
  const answer = (text, values) => {
    if (sql === undefined) throw new Error(`createEnv was given no sql to answer: ${text}`);
    const given = sql(text, values);
    const results = typeof given === 'number' ? [] : [...given];
    return {
      success: true,
      results,
      meta: { changes: typeof given === 'number' ? given : 0, rows_read: results.length },
    };
  };
  const statement = (text, values) => ({
    bind: (...given) => statement(text, given),
    all: async () => answer(text, values),
    run: async () => answer(text, values),
    first: async (column) => {
      const row = answer(text, values).results[0] ?? null;
      if (row === null || column === undefined) return row;
      if (!Object.hasOwn(row, column)) throw new Error(`There is no column ${column} in the result`);
      return row[column];
    },
    async raw({ columnNames = false } = {}) {
      const { results } = answer(text, values);
      const rows = results.map((row) => Object.values(row));
      return columnNames ? [Object.keys(results[0] ?? {}), ...rows] : rows;
    },
  });
  return {
    prepare: (text) => statement(text, []),
    batch: (statements) => Promise.all(statements.map((one) => one.all())),
  };
}

const READERS = {
  text: textOf,
  json: (bytes) => JSON.parse(textOf(bytes)),
  arrayBuffer: (bytes) => bytes.slice().buffer,
  stream: (bytes) => new Response(bytes).body,
};

/** Text of a 64-bit integer, as the engine stores it. */
const INTEGER = /^(0|-?[1-9][0-9]{0,18})$/;

/** A cache that, like the engine's, logs why it refuses a call, and does not throw. */
function createCache() {
  const entries = new Map();
  const refuse = (reason) => console.warn(`CACHE: ${reason}`);
  const read = (key) => {
    const entry = entries.get(key);
    if (entry === undefined) return null;
    if (entry.until === null || entry.until > Date.now()) return entry.bytes;
    entries.delete(key);
    return null;
  };
  return {
    async get(key, options = 'text') {
      const type = typeof options === 'string' ? options : (options.type ?? 'text');
      if (!Object.hasOwn(READERS, type))
        throw new TypeError(`The type of a value is ${Object.keys(READERS).join(', ')}, not ${type}`);
      const bytes = read(nameOf(key));
      return bytes === null ? null : READERS[type](bytes);
    },
    async put(key, value, options = {}) {
      const ttl = ttlOf(options);
      const given = bytesOf(value);
      const bytes = given instanceof Promise ? await given : given;
      if (ttl > MAX_TTL_SECONDS) return refuse(`a TTL is at most ${MAX_TTL_SECONDS} s, not ${ttl}`);
      entries.set(nameOf(key), { bytes, until: ttl > 0 ? Date.now() + ttl * 1000 : null });
    },
    async delete(key) {
      return read(nameOf(key)) !== null && entries.delete(nameOf(key));
    },
    async increment(key, by = 1) {
      if (!Number.isSafeInteger(by)) throw new RangeError(`A counter goes by whole numbers, not ${by}`);
      const name = nameOf(key);
      const held = textOf(read(name) ?? bytesOf('0'));
      const sum = INTEGER.test(held) ? BigInt(held) + BigInt(by) : null;
      if (sum === null || BigInt.asIntN(64, sum) !== sum) {
        refuse(`${name} holds no 64-bit integer, or adding to it would pass 64 bits`);
        return 0;
      }
      entries.set(name, { bytes: bytesOf(String(sum)), until: entries.get(name)?.until ?? null });
      return Number.isSafeInteger(Number(sum)) ? Number(sum) : sum;
    },
  };
}

/** Storage that addresses blobs by their hash like the engine, but with another format of CIDs. */
function createStorage() {
  const objects = new Map();
  return {
    async put(data) {
      const bytes = await bytesOf(data);
      const cid = `sha256-${createHash('sha256').update(bytes).digest('hex')}`;
      objects.set(cid, bytes);
      return cid;
    },
    async get(cid) {
      const bytes = objects.get(nameOf(cid));
      if (bytes === undefined) return null;
      return {
        cid,
        size: bytes.length,
        bytes: async () => bytes.slice(),
        arrayBuffer: async () => bytes.slice().buffer,
        text: async () => textOf(bytes),
        json: async () => JSON.parse(textOf(bytes)),
      };
    },
  };
}

export function createContext(given = {}) {
  const waiting = [];
  return {
    requestId: randomUUID(),
    attempt: 1,
    wallet: '',
    namespace: 'test',
    function: 'test',
    version: 1,
    http: null,
    waitUntil: (promise) => void waiting.push(promise),
    passThroughOnException: () => {},
    settled: async () => void (await Promise.allSettled(waiting)),
    ...given,
  };
}

export async function load(file, { env = createEnv(), ctx = createContext() } = {}) {
  globalThis[Symbol.for('orama')] = { env, ctx, NonRetryableError };
  const path = fileURLToPath(file);
  const esbuild = await import('esbuild').catch(() => null);
  // Without esbuild: JavaScript, and TypeScript if Node itself strips types.
  if (esbuild === null) return (await import(file.href)).default;
  const directory = await mkdtemp(join(tmpdir(), 'orama-test-'));
  try {
    const outfile = join(directory, 'index.mjs');
    await esbuild.build({
      entryPoints: [path],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      sourcemap: 'inline',
      logLevel: 'silent',
      loader: { '.txt': 'text', '.html': 'text', '.sql': 'text', '.md': 'text' },
      alias: { orama: fileURLToPath(new URL('./index.js', import.meta.url)) },
      banner: {
        js: "import { createRequire as $createRequire } from 'node:module'; const require = $createRequire(import.meta.url);",
      },
    });
    return (await import(pathToFileURL(outfile).href)).default;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
