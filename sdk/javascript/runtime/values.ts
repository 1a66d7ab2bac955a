// Formats values for the log as `console.log` does.
import { FormData } from './form-data.js';
import { Headers } from './headers.js';
import { stackOf } from './stacks.js';
import { URLSearchParams } from './url.js';

const MAX_DEPTH = 4;
const MAX_ITEMS = 100;
const MAX_LINE = 72;

/**
 * Formats values as `console.log(...values)` does: a string as the first value may contain `%s`,
 * `%d`, `%i`, `%f`, `%j`, `%o`, `%O`, `%c`.
 */
export function format(values: readonly unknown[]): string {
  if (values.length === 0) return '';
  const [first, ...rest] = values;
  let text = typeof first === 'string' ? first : inspect(first);
  if (typeof first === 'string' && first.includes('%')) {
    text = first.replace(/%[sdifjoOc%]/g, (mark) => {
      if (mark === '%%') return '%';
      return rest.length === 0 ? mark : convert(mark, rest.shift());
    });
  }
  return [text, ...rest.map((value) => (typeof value === 'string' ? value : inspect(value)))].join(' ');
}

/** Never throws: a log line must not end the invocation. */
function convert(mark: string, value: unknown): string {
  try {
    return converted(mark, value);
  } catch (error) {
    return /circular/i.test(String(error)) ? '[Circular]' : inspect(value);
  }
}

function converted(mark: string, value: unknown): string {
  switch (mark) {
    case '%s':
      if (typeof value === 'object' && value !== null) return inspect(value, 1);
      return typeof value === 'bigint' || Object.is(value, -0) ? inspect(value) : String(value);
    case '%d':
      return typeof value === 'bigint' ? `${value}n` : typeof value === 'symbol' ? 'NaN' : `${Number(value)}`;
    case '%i':
      return typeof value === 'bigint' ? `${value}n` : `${Number.parseInt(String(value), 10)}`;
    case '%f':
      return `${Number.parseFloat(String(value))}`;
    case '%j':
      return JSON.stringify(value) ?? 'undefined';
    case '%c':
      return '';
    default:
      return inspect(value);
  }
}

export function inspect(value: unknown, depth = MAX_DEPTH): string {
  return show(value, depth, new Set());
}

/** Never throws: a proxy may throw, whatever it is asked for. */
function show(value: unknown, depth: number, above: Set<object>): string {
  try {
    return shown(value, depth, above);
  } catch {
    return `[${typeof value} that cannot be shown]`;
  }
}

function shown(value: unknown, depth: number, above: Set<object>): string {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'bigint':
      return `${value}n`;
    case 'symbol':
      return value.toString();
    case 'function':
      return showFunction(value);
    case 'object':
      return value === null ? 'null' : showObject(value, depth, above);
    default:
      return Object.is(value, -0) ? '-0' : String(value);
  }
}

/**
 * Formats a function as `[Function: name]` or `[class A extends B]`. Bytecode contains no sources,
 * so a class is recognized by its prototype.
 */
function showFunction(value: CallableFunction): string {
  if (Object.getOwnPropertyDescriptor(value, 'prototype')?.writable !== false) {
    return `[Function${value.name === '' ? ' (anonymous)' : `: ${value.name}`}]`;
  }
  const parent: unknown = Object.getPrototypeOf(value);
  const above = typeof parent === 'function' && parent.name !== '' ? ` extends ${parent.name}` : '';
  return `[class ${value.name === '' ? '(anonymous)' : value.name}${above}]`;
}

function showObject(value: object, depth: number, above: Set<object>): string {
  if (above.has(value)) return '[Circular]';
  if (value instanceof Error) return showError(value, depth, above);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (value instanceof Promise) return 'Promise {}';
  const name = nameOf(value);
  if (depth <= 0) return Array.isArray(value) ? '[Array]' : `[${name === '' ? 'Object' : name}]`;
  const inner = new Set(above).add(value);
  const one = (item: unknown) => show(item, depth - 1, inner);
  if (Array.isArray(value)) return wrap('', '[', shorten(value, one), ']');
  if (value instanceof Map) {
    const items = shorten([...value], ([key, item]) => `${one(key)} => ${one(item)}`);
    return wrap(`Map(${value.size}) `, '{', items, '}');
  }
  if (value instanceof URL) return wrap(`${name} `, '{', [`href: ${quote(value.href)}`], '}');
  if (value instanceof URLSearchParams) {
    return wrap(
      `${name} `,
      '{',
      shorten([...value], ([key, text]) => `${one(key)} => ${one(text)}`),
      '}',
    );
  }
  if (value instanceof Headers) return showFields(name, [...value], one);
  if (value instanceof FormData) return showFields(name, [...value], one);
  if (value instanceof Set) return wrap(`Set(${value.size}) `, '{', shorten([...value], one), '}');
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const items = Array.from(value as Uint8Array);
    return wrap(`${name}(${items.length}) `, '[', shorten(items, one), ']');
  }
  const entries = shorten(Reflect.ownKeys(value).filter(isEnumerableIn(value)), (key) => {
    const shown = typeof key === 'symbol' ? `[${key.toString()}]` : isName(key) ? key : quote(key);
    const own = Object.getOwnPropertyDescriptor(value, key);
    return `${shown}: ${own === undefined ? 'undefined' : showProperty(own, one)}`;
  });
  return wrap(
    name === 'Object' ? '' : name === '' ? '[Object: null prototype] ' : `${name} `,
    '{',
    entries,
    '}',
  );
}

function showFields(name: string, fields: [string, unknown][], one: (value: unknown) => string): string {
  const items = shorten(fields, ([key, value]) => `${isName(key) ? key : quote(key)}: ${one(value)}`);
  return wrap(`${name} `, '{', items, '}');
}

function showProperty({ get, set, value }: PropertyDescriptor, one: (value: unknown) => string): string {
  if (get !== undefined) return set === undefined ? '[Getter]' : '[Getter/Setter]';
  return set === undefined ? one(value) : '[Setter]';
}

function showError(error: Error, depth: number, above: Set<object>): string {
  const stack = stackOf(error);
  const inner = new Set(above).add(error);
  const own = Object.keys(error).filter((key) => key !== 'name');
  const more = own.map((key) => `${key}: ${show(Reflect.get(error, key), depth - 1, inner)}`);
  if (error instanceof AggregateError) more.push(`[errors]: ${show(error.errors, depth - 1, inner)}`);
  if (error.cause !== undefined) more.push(`[cause]: ${show(error.cause, depth - 1, inner)}`);
  return more.length === 0 || depth <= 0 ? stack : `${stack} {\n  ${more.join(',\n  ')}\n}`;
}

function shorten<T>(items: readonly T[], one: (item: T) => string): string[] {
  const shown = items.slice(0, MAX_ITEMS).map(one);
  const left = items.length - shown.length;
  return left > 0 ? [...shown, `... ${left} more item${left > 1 ? 's' : ''}`] : shown;
}

function wrap(before: string, open: string, items: readonly string[], close: string): string {
  if (items.length === 0) return `${before}${open}${close}`;
  const length = items.reduce((sum, item) => sum + item.length + 2, before.length);
  if (length <= MAX_LINE && !items.some((item) => item.includes('\n'))) {
    return `${before}${open} ${items.join(', ')} ${close}`;
  }
  return `${before}${open}\n  ${items.join(',\n').replaceAll('\n', '\n  ')}\n${close}`;
}

const isName = (key: string) => /^[A-Za-z_$][\w$]*$/.test(key);
const isEnumerableIn = (value: object) => (key: PropertyKey) =>
  Object.prototype.propertyIsEnumerable.call(value, key);

function nameOf(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return '';
  const made: unknown = safely(() => Reflect.get(prototype as object, 'constructor'));
  return typeof made === 'function' && made.name !== '' ? made.name : 'Object';
}

function safely<T>(read: () => T): T | string {
  try {
    return read();
  } catch {
    return '';
  }
}

function quote(text: string): string {
  const mark = !text.includes("'") ? "'" : text.includes('"') ? '`' : '"';
  return `${mark}${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"')}${mark}`;
}
