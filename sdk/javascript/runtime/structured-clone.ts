// structuredClone (HTML standard), for values of the JavaScript language.
import { Blob, File } from './blob.js';

type Transferred = ReadonlyMap<ArrayBuffer, ArrayBuffer>;

const PLATFORM = new Set([
  ...['AbortController', 'AbortSignal', 'Event', 'EventTarget', 'FormData', 'Headers', 'Request', 'Response'],
  ...['URL', 'URLSearchParams', 'ReadableStream', 'Generator', 'AsyncGenerator'],
]);
const ERRORS = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError } as const;
const UNCLONABLE = [WeakMap, WeakSet, WeakRef, Promise, FinalizationRegistry] as const;

interface Options {
  transfer?: Iterable<unknown>;
}

/** Undefined can be cloned, but the argument is required. */
export function structuredClone(...args: [value?: unknown, options?: Options]): unknown {
  if (args.length === 0) throw new TypeError('structuredClone takes a value');
  const [value, options] = args;
  const given = [...(options?.transfer ?? [])].map((item) => {
    if (item instanceof ArrayBuffer && !item.detached) return item;
    throw refused('Only an ArrayBuffer that is not detached can be transferred');
  });
  if (new Set(given).size < given.length) throw refused('An ArrayBuffer is in the list of transfers twice');
  const sizes = given.map((buffer) => new ArrayBuffer(buffer.byteLength));
  const clone = cloneOf(value, new Map(), new Map(given.map((buffer, at) => [buffer, sizes[at] ?? buffer])));
  // Transfer only now: if a value cannot be cloned, nothing must change.
  given.forEach((buffer, at) => {
    const target = sizes[at];
    if (target !== undefined) new Uint8Array(target).set(new Uint8Array(buffer));
    buffer.transfer();
  });
  return clone;
}

const refused = (why: string) => new DOMException(why, 'DataCloneError');

function cloneOf(value: unknown, seen: Map<object, unknown>, moved: Transferred): unknown {
  if (typeof value === 'function' || typeof value === 'symbol')
    // On one line: QuickJS shows a function on three.
    throw refused(`${String(value).replace(/\s+/g, ' ')} could not be cloned.`);
  if (typeof value !== 'object' || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  const keep = <T>(clone: T): T => {
    seen.set(value, clone);
    return clone;
  };
  const inner = (part: unknown) => cloneOf(part, seen, moved);

  if (value instanceof Date) return keep(new Date(value.getTime()));
  if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
  if (isBoxed(value)) return keep(Object(value.valueOf()));
  if (value instanceof ArrayBuffer) return keep(moved.get(value) ?? copyBuffer(value));
  if (ArrayBuffer.isView(value)) return keep(cloneView(value, inner(value.buffer) as ArrayBuffer));
  if (value instanceof Map) {
    const clone = keep(new Map());
    for (const [key, item] of [...value]) clone.set(inner(key), inner(item));
    return clone;
  }
  if (value instanceof Set) {
    const clone = keep(new Set());
    for (const item of [...value]) clone.add(inner(item));
    return clone;
  }
  if (value instanceof DOMException) return keep(new DOMException(value.message, value.name));
  if (value instanceof Blob) return keep(cloneBlob(value));
  if (value instanceof Error) return cloneError(value, keep, inner);
  refuseOthers(value);
  const clone: object = keep(Array.isArray(value) ? new Array(value.length) : {});
  for (const key of Object.keys(value)) {
    const item = inner(Reflect.get(value, key));
    Object.defineProperty(clone, key, { value: item, writable: true, enumerable: true, configurable: true });
  }
  return clone;
}

function isBoxed(value: object): boolean {
  if (value instanceof Symbol) throw refused('Object(Symbol()) could not be cloned.');
  return [Number, String, Boolean, BigInt].some((type) => value instanceof type);
}

function copyBuffer(buffer: ArrayBuffer): ArrayBuffer {
  if (buffer.detached) throw refused('An ArrayBuffer is detached and could not be cloned.');
  return buffer.slice(0);
}

function cloneView(view: ArrayBufferView, buffer: ArrayBuffer): ArrayBufferView {
  const type = view.constructor as new (buffer: ArrayBuffer, at: number, length: number) => ArrayBufferView;
  const length = view instanceof DataView ? view.byteLength : (view as Uint8Array).length;
  return new type(buffer, view.byteOffset, length);
}

function cloneBlob(blob: Blob): Blob {
  const { type } = blob;
  if (!(blob instanceof File)) return new Blob([blob], { type });
  return new File([blob], blob.name, { type, lastModified: blob.lastModified });
}

function cloneError(error: Error, keep: (clone: Error) => Error, inner: (part: unknown) => unknown): Error {
  const type = Object.hasOwn(ERRORS, error.name) ? ERRORS[error.name as keyof typeof ERRORS] : Error;
  const clone = keep(new type());
  const put = (name: string, value: unknown) =>
    Object.defineProperty(clone, name, { value, writable: true, enumerable: false, configurable: true });
  const own = Object.getOwnPropertyDescriptor(error, 'message');
  if (own !== undefined && 'value' in own) put('message', String(own.value));
  put('stack', error.stack);
  if (Object.hasOwn(error, 'cause')) put('cause', inner(error.cause));
  return clone;
}

function refuseOthers(value: object): void {
  const name = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (PLATFORM.has(name) || UNCLONABLE.some((type) => value instanceof type)) {
    throw refused(`#<${name}> could not be cloned.`);
  }
}
