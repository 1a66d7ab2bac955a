// Headers (Fetch standard).
import { trim } from './trim.js';

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Matches NUL, line breaks and characters that are not bytes. */
const BAD_VALUE = /[\0\r\n]|[^\0-\xff]/;
/** HTTP whitespace (Fetch standard). */
const WHITESPACE = '\t\n\r ';
const COOKIE = 'set-cookie';

export type HeadersInit = Headers | Record<string, string> | Iterable<readonly string[]>;

export class Headers {
  readonly #values = new Map<string, string[]>();

  constructor(init?: HeadersInit | null) {
    if (init === undefined) return;
    if (init === null || (typeof init !== 'object' && typeof init !== 'function')) {
      throw new TypeError('Headers are made from a record, a list of pairs or other Headers');
    }
    if (init instanceof Headers) {
      for (const [name, values] of init.#values) this.#values.set(name, [...values]);
    } else if (Symbol.iterator in init) {
      for (const pair of init) {
        const [name, value, ...more] = [...pair];
        if (name === undefined || value === undefined || more.length > 0) {
          throw new TypeError('Each pair of headers must be a name and a value');
        }
        this.append(name, value);
      }
    } else {
      for (const name of Reflect.ownKeys(init)) {
        const own = Object.getOwnPropertyDescriptor(init, name);
        if (own?.enumerable !== true) continue;
        if (typeof name === 'symbol') throw new TypeError('A header name cannot be a symbol');
        this.append(name, init[name] as string);
      }
    }
  }

  append(name: string, value: string): void {
    const key = checkName(name);
    const text = checkValue(key, value);
    const values = this.#values.get(key);
    if (values === undefined) this.#values.set(key, [text]);
    else values.push(text);
  }

  set(name: string, value: string): void {
    const key = checkName(name);
    this.#values.set(key, [checkValue(key, value)]);
  }

  get(name: string): string | null {
    return this.#values.get(checkName(name))?.join(', ') ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(checkName(name));
  }

  delete(name: string): void {
    this.#values.delete(checkName(name));
  }

  getSetCookie(): string[] {
    return [...(this.#values.get(COOKIE) ?? [])];
  }

  forEach(callback: (value: string, name: string, headers: Headers) => void, self?: unknown): void {
    for (const [name, value] of this) callback.call(self, value, name, this);
  }

  *entries(): IterableIterator<[string, string]> {
    for (const name of [...this.#values.keys()].sort()) {
      const values = this.#values.get(name) ?? [];
      if (name !== COOKIE) yield [name, values.join(', ')];
      else for (const value of values) yield [name, value];
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
}

function checkName(name: string): string {
  const text = String(name);
  if (!NAME.test(text)) throw new TypeError(`${JSON.stringify(text)} is not a header name`);
  return text.toLowerCase();
}

function checkValue(name: string, value: string): string {
  const text = trim(String(value), WHITESPACE);
  if (BAD_VALUE.test(text))
    throw new TypeError(`${JSON.stringify(text)} is not a value for the header ${name}`);
  return text;
}
