// The part of Web Crypto that has been tested against other implementations: digests and HMAC,
// which mbedTLS computes.

const DIGESTS = new Set(['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512']);

type Algorithm = string | { name: string; hash?: Algorithm };
type Method = (...args: unknown[]) => Promise<unknown>;
export interface EngineCrypto {
  getRandomValues<T extends ArrayBufferView>(target: T): T;
  randomUUID(): string;
  subtle: object;
}

const nameOf = (algorithm: Algorithm) =>
  String(typeof algorithm === 'object' && algorithm !== null ? algorithm.name : algorithm).toUpperCase();

function checkDigest(algorithm: Algorithm): void {
  if (!DIGESTS.has(nameOf(algorithm))) unsupported(algorithm);
}

function checkHmac(algorithm: Algorithm): void {
  if (nameOf(algorithm) !== 'HMAC') unsupported(algorithm);
  if (typeof algorithm === 'object' && algorithm.hash !== undefined) checkDigest(algorithm.hash);
}

function unsupported(algorithm: Algorithm): never {
  const name = nameOf(algorithm);
  throw new DOMException(`The algorithm ${name} is not supported; digests and HMAC are`, 'NotSupportedError');
}

/** Operations, each with the index of its algorithm argument and a check of it. */
const OPERATIONS: Readonly<Record<string, [place: number, check: (algorithm: Algorithm) => void] | null>> = {
  digest: [0, checkDigest],
  sign: [0, checkHmac],
  verify: [0, checkHmac],
  generateKey: [0, checkHmac],
  importKey: [2, checkHmac],
  exportKey: null,
};

interface Jwk {
  kty?: string;
  k?: string;
  alg?: string;
  ext?: boolean;
  key_ops?: readonly string[];
}
interface Key {
  algorithm: { hash: { name: string } };
  extractable: boolean;
  usages: readonly string[];
}

const dataError = (why: string) => new DOMException(why, 'DataError');
const JWA = { 'SHA-1': 'HS1', 'SHA-256': 'HS256', 'SHA-384': 'HS384', 'SHA-512': 'HS512' } as const;
const jwaOf = (hash: Algorithm) => JWA[nameOf(hash) as keyof typeof JWA];

/** Converts a JWK, as the engine imports and exports keys only in raw format. */
function importJwk([, key, algorithm, extractable, usages]: unknown[]): unknown[] {
  const { kty, k, alg, ext, key_ops } = key as Jwk;
  const { hash } = algorithm as { hash: Algorithm };
  if (kty !== 'oct' || typeof k !== 'string') throw dataError('A JWK for HMAC has the kty "oct" and a k');
  if (alg !== undefined && alg !== jwaOf(hash)) throw dataError(`The JWK is for ${alg}, not ${jwaOf(hash)}`);
  if (ext === false && extractable === true) throw dataError('The JWK says that it must not be extractable');
  const wanted = usages as string[];
  if (key_ops !== undefined && !wanted.every((one) => key_ops.includes(one))) {
    throw dataError(`The JWK is for ${key_ops.join(', ')}`);
  }
  return ['raw', Uint8Array.fromBase64(k, { alphabet: 'base64url' }), algorithm, extractable, usages];
}

function exportJwk(raw: ArrayBuffer, key: Key): Jwk {
  const k = new Uint8Array(raw).toBase64({ alphabet: 'base64url', omitPadding: true });
  return { key_ops: key.usages, ext: key.extractable, kty: 'oct', k, alg: jwaOf(key.algorithm.hash) };
}

const accessError = (why: string) => new DOMException(why, 'InvalidAccessError');
const MAX_RANDOM_BYTES = 65_536;
/** Block size in bits: the default length of an HMAC key. */
const BLOCK_BITS: Readonly<Record<string, number>> = {
  'SHA-1': 512,
  'SHA-256': 512,
  'SHA-384': 1024,
  'SHA-512': 1024,
};

/**
 * Performs checks that the engine's own operations omit. Returns the arguments for the operation.
 */
function prepare(name: string, args: unknown[]): unknown[] {
  checkArguments(name, args);
  const key = args[1] as Key;
  if ((name === 'sign' || name === 'verify') && !key.usages.includes(name)) {
    throw accessError(`The key must not be used to ${name}; it is for ${key.usages.join(', ') || 'nothing'}`);
  }
  if (name === 'exportKey' && !key.extractable) throw accessError('The key is not extractable');
  if (name === 'importKey' && args[0] === 'jwk') return importJwk(args);
  if (name === 'exportKey') return ['raw', ...args.slice(1)];
  const [algorithm, ...rest] = args;
  if (name !== 'generateKey' || typeof algorithm !== 'object') return args;
  const { hash } = algorithm as { hash: Algorithm };
  return [{ length: BLOCK_BITS[nameOf(hash)], ...algorithm }, ...rest];
}

const USAGES = new Set(['sign', 'verify']);
/** The index of the data that each operation takes as a BufferSource. */
const DATA: Readonly<Record<string, number>> = { digest: 1, sign: 2, verify: 3, importKey: 1 };

function checkArguments(name: string, args: readonly unknown[]): void {
  const data = args[DATA[name] ?? -1];
  const isBuffer = data instanceof ArrayBuffer || ArrayBuffer.isView(data);
  const takesBuffer = name in DATA && !(name === 'importKey' && args[0] === 'jwk');
  if (takesBuffer && !isBuffer) throw new TypeError(`${name} takes an ArrayBuffer or a view of one`);
  if (name !== 'importKey' && name !== 'generateKey') return;
  const algorithm = args[name === 'importKey' ? 2 : 0] as Exclude<Algorithm, string>;
  if (typeof algorithm !== 'object' || algorithm.hash === undefined)
    throw new TypeError('The algorithm of an HMAC key needs a hash, such as {name: "HMAC", hash: "SHA-256"}');
  const usages = args.at(-1);
  if (!Array.isArray(usages)) throw new TypeError(`${name} takes a list of usages`);
  if (usages.length === 0 || !usages.every((one) => USAGES.has(one)))
    throw new DOMException('An HMAC key is for sign, verify or both', 'SyntaxError');
  if (takesBuffer && (data as ArrayBuffer).byteLength === 0)
    throw dataError('An HMAC key has at least a byte');
}

/** Returns `getRandomValues` with the limits of the Web Cryptography standard. */
export function boundedRandom(crypto: EngineCrypto): EngineCrypto['getRandomValues'] {
  const own = crypto.getRandomValues.bind(crypto);
  return (target) => {
    const name = Object.prototype.toString.call(target);
    if (!/^\[object (?:Big)?(?:Uint|Int)(?:8|16|32|64)(?:Clamped)?Array\]$/.test(name)) {
      throw new DOMException('Only arrays of integers can be filled with random values', 'TypeMismatchError');
    }
    if (target.byteLength > MAX_RANDOM_BYTES) {
      const sentence = `${target.byteLength} random bytes were asked for; at most ${MAX_RANDOM_BYTES} are given at once`;
      throw new DOMException(sentence, 'QuotaExceededError');
    }
    return own(target);
  };
}

/** Removes unsupported operations from `crypto.subtle`: they reject with a NotSupportedError. */
export function restrict({ subtle }: EngineCrypto): void {
  const prototype = Object.getPrototypeOf(subtle) as Record<string, Method>;
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const own = prototype[name];
    if (name === 'constructor' || typeof own !== 'function') continue;
    const operation = OPERATIONS[name];
    prototype[name] = async function (this: unknown, ...args: unknown[]) {
      if (operation === undefined) throw new DOMException(`${name} is not supported`, 'NotSupportedError');
      if (operation !== null) operation[1](args[operation[0]] as Algorithm);
      const result = await own.apply(this, prepare(name, args));
      return name === 'exportKey' && args[0] === 'jwk'
        ? exportJwk(result as ArrayBuffer, args[1] as Key)
        : result;
    };
  }
}

/**
 * Returns a generator of 53 random bits, buffered. QuickJS's own generator is seeded only once, in
 * the start that all invocations share.
 */
export function createRandom(crypto: EngineCrypto): () => number {
  const words = new Uint32Array(64);
  let left = 0;
  return () => {
    if (left === 0) {
      crypto.getRandomValues(words);
      left = words.length;
    }
    const high = (words[--left] ?? 0) >>> 5;
    const low = (words[--left] ?? 0) >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  };
}
