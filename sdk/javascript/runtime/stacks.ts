import { mapStack } from './lines.js';

/**
 * Installs stacks as in other engines: headed by the error, with the lines of the sources. QuickJS
 * computes the stack of an Error when it is read. It stores those of a DOMException and of
 * `Error.captureStackTrace`, which many packages call, in a property of the object itself.
 */
export function installStacks(): void {
  const own = Object.getOwnPropertyDescriptor(Error.prototype, 'stack');
  const read = own?.get;
  if (read === undefined || own === undefined) return;
  Object.defineProperty(Error.prototype, 'stack', {
    ...own,
    get(this: unknown) {
      const stack: unknown = read.call(this);
      return typeof stack === 'string' ? headed(this, stack) : stack;
    },
  });
  const capture = Error.captureStackTrace;
  Error.captureStackTrace = function captureStackTrace(target, below) {
    capture(target, below ?? captureStackTrace);
    headStored(target);
  };
  globalThis.DOMException = new Proxy(DOMException, {
    construct: function construct(type, values, newTarget) {
      const made = Reflect.construct(type, values, newTarget);
      capture(made, construct); // again, without the frame of `Reflect.construct`
      return headStored(made);
    },
  });
  DOMException.prototype.constructor = DOMException;
}

/** Returns an error's stack, also of a DOMException that QuickJS itself has thrown. */
export function stackOf(error: Error): string {
  return headStored(error).stack ?? String(error);
}

function headStored<T extends object>(holder: T): T {
  const stored = Object.getOwnPropertyDescriptor(holder, 'stack');
  if (typeof stored?.value === 'string' && FRAMES_ONLY.test(stored.value) && stored.configurable) {
    Object.defineProperty(holder, 'stack', { ...stored, value: headed(holder, stored.value) });
  }
  return holder;
}

/** A stack as QuickJS writes it, without the line of the error. */
const FRAMES_ONLY = /^ {4}at /;

function headed(error: unknown, frames: string): string {
  return `${headline(error)}\n${withoutConstructors(error, mapStack(frames))}`.trimEnd();
}

/** The name of a frame's function. */
const FRAME_FUNCTION = /^ {4}at (\S+) \(/;

/**
 * Removes the frames of the constructors that made an error, as other engines do, so that the first
 * frame is where it was thrown.
 */
function withoutConstructors(error: unknown, stack: string): string {
  const names = classNames(error);
  const frames = stack.split('\n');
  const first = frames.findIndex((frame) => !names.has(FRAME_FUNCTION.exec(frame)?.[1] ?? ''));
  return frames.slice(first).join('\n');
}

/** Returns the names of an error's own classes, without running code of the function. */
function classNames(error: unknown): Set<unknown> {
  const names = new Set<unknown>();
  if (!(error instanceof Error)) return names;
  for (
    let prototype: unknown = Object.getPrototypeOf(error);
    typeof prototype === 'object' && prototype !== null && prototype !== Error.prototype;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    const made: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
    if (typeof made !== 'function') continue;
    const name: unknown = Object.getOwnPropertyDescriptor(made, 'name')?.value;
    if (name !== '') names.add(name);
  }
  return names;
}

/** Formats the first line: `TypeError: x is not a function` */
export function headline(error: unknown): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return 'Error';
  }
}
