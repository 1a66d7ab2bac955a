// URLSearchParams (URL standard), and the part of URL that depends on it. The engine's library
// (Ada) parses URLs.

type Pair = [name: string, value: string];
export type ParamsInit = string | Record<string, string> | Iterable<Iterable<string>>;

/** Lists that have changed since they were last written back into the URL that owns them. */
const changed = new WeakSet<URLSearchParams>();
const lists = new WeakMap<URLSearchParams, Pair[]>();

function listOf(params: URLSearchParams): Pair[] {
  const list = lists.get(params);
  if (list === undefined) throw new TypeError('Illegal invocation');
  return list;
}

export class URLSearchParams {
  constructor(init: ParamsInit | null = '') {
    lists.set(this, pairsOf(init));
  }

  get size(): number {
    return listOf(this).length;
  }

  append(name: string, value: string): void {
    listOf(this).push([text(name), text(value)]);
    changed.add(this);
  }

  delete(name: string, value?: string): void {
    const gone = matches(name, value);
    replace(
      this,
      listOf(this).filter((pair) => !gone(pair)),
    );
  }

  get(name: string): string | null {
    return listOf(this).find(matches(name))?.[1] ?? null;
  }

  getAll(name: string): string[] {
    return listOf(this)
      .filter(matches(name))
      .map(([, value]) => value);
  }

  has(name: string, value?: string): boolean {
    return listOf(this).some(matches(name, value));
  }

  set(name: string, value: string): void {
    const list = listOf(this);
    const isIt = matches(name);
    const first = list.findIndex(isIt);
    const pair: Pair = [text(name), text(value)];
    if (first < 0) replace(this, [...list, pair]);
    else
      replace(
        this,
        list.flatMap((one, at) => (at === first ? [pair] : isIt(one) ? [] : [one])),
      );
  }

  sort(): void {
    replace(
      this,
      listOf(this).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
    );
  }

  forEach(callback: (value: string, name: string, params: URLSearchParams) => void, self?: unknown): void {
    for (const [name, value] of this) callback.call(self, value, name, this);
  }

  *entries(): IterableIterator<[string, string]> {
    for (let at = 0; at < listOf(this).length; at++) {
      const [name, value] = listOf(this)[at] ?? ['', ''];
      yield [name, value];
    }
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this) yield name;
  }

  *values(): IterableIterator<string> {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  toString(): string {
    return listOf(this)
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .join('&');
  }
}

const text = (value: unknown) => String(value).toWellFormed();

function matches(name: string, value?: string): (pair: Pair) => boolean {
  const wanted = text(name);
  const only = value === undefined ? null : text(value);
  return ([one, its]) => one === wanted && (only === null || its === only);
}

function replace(params: URLSearchParams, list: Pair[]): void {
  lists.set(params, list);
  changed.add(params);
}

function pairsOf(init: ParamsInit | null): Pair[] {
  if (typeof init === 'function' || (typeof init === 'object' && init !== null)) {
    if (Symbol.iterator in init) {
      return [...init].map((entry) => {
        if (typeof entry !== 'object' || entry === null)
          throw new TypeError('Each entry must be a name and a value');
        const [name, value, ...more] = [...entry];
        if (name === undefined || value === undefined || more.length > 0) {
          throw new TypeError('Each entry must be a name and a value');
        }
        return [text(name), text(value)];
      });
    }
    return Object.entries(init).map(([name, value]) => [text(name), text(value)]);
  }
  return parse(text(init).replace(/^\?/, ''));
}

function parse(query: string): Pair[] {
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.indexOf('=');
      return at < 0 ? [decode(part), ''] : [decode(part.slice(0, at)), decode(part.slice(at + 1))];
    });
}

const utf8 = new TextEncoder();
const utf8Text = new TextDecoder('utf-8', { ignoreBOM: true });

function decode(part: string): string {
  const spaced = part.replaceAll('+', ' ');
  if (!spaced.includes('%')) return spaced;
  const bytes = utf8.encode(spaced);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const hex = bytes[at] === 0x25 ? spacedHex(bytes, at) : -1;
    bytes[length++] = hex < 0 ? (bytes[at] ?? 0) : hex;
    if (hex >= 0) at += 2;
  }
  return utf8Text.decode(bytes.subarray(0, length));
}

/** Returns the byte of `%xx`; -1 if it is malformed. */
function spacedHex(bytes: Uint8Array, at: number): number {
  const digits = String.fromCharCode(bytes[at + 1] ?? 0, bytes[at + 2] ?? 0);
  return /^[0-9a-fA-F]{2}$/.test(digits) ? Number.parseInt(digits, 16) : -1;
}

/** Encodes with the application/x-www-form-urlencoded percent-encode set (URL standard). */
function encode(value: string): string {
  return encodeURIComponent(value)
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

const Native = URL;

/** Ada encodes half a surrogate pair as it is, but the standard replaces it first. */
class WellFormedUrl extends Native {
  constructor(url: unknown, ...base: unknown[]) {
    const [root] = base;
    super(text(url), root === undefined ? undefined : text(root));
  }
}

/** The properties of URL that also change `searchParams`. */
const CHANGE_QUERY: ReadonlySet<string> = new Set(['href', 'search']);

const ofUrl = new WeakMap<URL, URLSearchParams>();

/**
 * Completes URL: its texts are well-formed, and its query and `searchParams` follow each other.
 * Returns the class.
 */
export function installUrl(): typeof URL {
  const { prototype } = Native;
  const own = Object.getOwnPropertyDescriptors(prototype) as Record<string, PropertyDescriptor>;
  const { get: getQuery, set: setQuery } = own.search ?? {};
  if (getQuery === undefined || setQuery === undefined) throw new TypeError('URL has no search');
  const queryOf = (url: URL): string => getQuery.call(url);

  /**
   * Writes changed parameters into the URL. Only its use does this, not each change, since it
   * parses the whole query.
   */
  const writeQuery = (url: URL) => {
    const params = ofUrl.get(url);
    if (params !== undefined && changed.delete(params)) setQuery.call(url, params.toString());
  };

  for (const [name, { get, set, enumerable }] of Object.entries(own)) {
    if (get === undefined) continue;
    Object.defineProperty(prototype, name, {
      configurable: true,
      enumerable: enumerable === true,
      get(this: URL) {
        writeQuery(this);
        return get.call(this);
      },
      ...(set && {
        set(this: URL, value: string) {
          const given = text(value);
          writeQuery(this);
          set.call(this, given);
          const params = ofUrl.get(this);
          if (params !== undefined && CHANGE_QUERY.has(name))
            lists.set(params, parse(queryOf(this).slice(1)));
        },
      }),
    });
  }
  for (const name of ['toString', 'toJSON'] as const) {
    const read = prototype[name];
    prototype[name] = function (this: URL) {
      writeQuery(this);
      return read.call(this);
    };
    Object.defineProperty(prototype[name], 'name', { value: name, configurable: true });
  }
  Object.defineProperty(prototype, 'searchParams', {
    configurable: true,
    enumerable: true,
    get(this: URL) {
      const params = ofUrl.get(this) ?? new URLSearchParams(queryOf(this));
      ofUrl.set(this, params);
      return params;
    },
  });
  return WellFormedUrl;
}
