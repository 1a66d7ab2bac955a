// Web Crypto, as far as it is tried against other implementations: digests and HMAC, which mbedTLS computes.

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

/** Operations, each with the place of its algorithm among the arguments, and what it may be. */
const OPERATIONS: Readonly<Record<string, [place: number, check: (algorithm: Algorithm) => void] | null>> = {
  digest: [0, checkDigest],
  sign: [0, checkHmac],
  verify: [0, checkHmac],
  generateKey: [0, checkHmac],
  importKey: [2, checkHmac],
  exportKey: null,
};

/** Leaves of `crypto.subtle` what is supported; all else is a NotSupportedError. */
export function restrict({ subtle }: EngineCrypto): void {
  const prototype = Object.getPrototypeOf(subtle) as Record<string, Method>;
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const own = prototype[name];
    if (name === 'constructor' || typeof own !== 'function') continue;
    const operation = OPERATIONS[name];
    prototype[name] = async function (this: unknown, ...args: unknown[]) {
      if (operation === undefined) throw new DOMException(`${name} is not supported`, 'NotSupportedError');
      if (operation !== null) operation[1](args[operation[0]] as Algorithm);
      return own.apply(this, args);
    };
  }
}

/** 53 random bits, many at a time: QuickJS's own generator is seeded once, and a start is shared by all invocations. */
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
