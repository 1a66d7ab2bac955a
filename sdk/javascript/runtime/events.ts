// Event, EventTarget, AbortController and AbortSignal (DOM standard), without a tree.
import { uncaught } from './rejections.js';
import { setTimeout } from './timers.js';

export class Event {
  readonly type: string;
  readonly cancelable: boolean;
  readonly timeStamp = Date.now();
  target: EventTarget | null = null;
  #prevented = false;
  #stopped = false;

  constructor(type: string, { cancelable = false } = {}) {
    this.type = String(type);
    this.cancelable = cancelable;
  }

  get currentTarget(): EventTarget | null {
    return this.target;
  }
  get defaultPrevented(): boolean {
    return this.#prevented;
  }
  get stopped(): boolean {
    return this.#stopped;
  }
  preventDefault(): void {
    this.#prevented ||= this.cancelable;
  }
  stopPropagation(): void {}
  stopImmediatePropagation(): void {
    this.#stopped = true;
  }
}

type Callback = ((event: Event) => unknown) | { handleEvent(event: Event): unknown };
type Options = boolean | { capture?: boolean; once?: boolean; signal?: AbortSignal };
interface Listener {
  callback: Callback;
  capture: boolean;
  once: boolean;
}

/** The listeners of one type of event, in the order in which they were added. */
class Listeners {
  readonly #ordered = new Set<Listener>();
  readonly #capturing = new Map<Callback, Listener>();
  readonly #others = new Map<Callback, Listener>();

  get size(): number {
    return this.#ordered.size;
  }
  has(listener: Listener): boolean {
    return this.#ordered.has(listener);
  }
  find(callback: Callback, capture: boolean): Listener | undefined {
    return this.#having(capture).get(callback);
  }
  add(listener: Listener): void {
    this.#ordered.add(listener);
    this.#having(listener.capture).set(listener.callback, listener);
  }
  delete(listener: Listener): void {
    if (this.#ordered.delete(listener)) this.#having(listener.capture).delete(listener.callback);
  }
  all(): Listener[] {
    return [...this.#ordered];
  }
  #having(capture: boolean): Map<Callback, Listener> {
    return capture ? this.#capturing : this.#others;
  }
}

const captures = (options?: Options | null) =>
  Boolean(typeof options === 'object' ? options?.capture : options);

export class EventTarget {
  readonly #listeners = new Map<string, Listeners>();

  addEventListener(type: string, callback: Callback | null, options?: Options | null): void {
    if (callback === null) return;
    const { once = false, signal } = typeof options === 'object' ? (options ?? {}) : {};
    if (signal?.aborted === true) return;
    const name = String(type);
    const listeners = this.#listeners.get(name) ?? new Listeners();
    const capture = captures(options);
    if (listeners.find(callback, capture) !== undefined) return;
    const listener = { callback, capture, once };
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    signal?.addEventListener('abort', () => this.#remove(name, listener), { once: true });
  }

  removeEventListener(type: string, callback: Callback | null, options?: Options | null): void {
    if (callback === null) return;
    const name = String(type);
    const listener = this.#listeners.get(name)?.find(callback, captures(options));
    if (listener !== undefined) this.#remove(name, listener);
  }

  #remove(type: string, listener: Listener): void {
    const listeners = this.#listeners.get(type);
    listeners?.delete(listener);
    if (listeners?.size === 0) this.#listeners.delete(type);
  }

  dispatchEvent(event: Event): boolean {
    if (!(event instanceof Event)) throw new TypeError('dispatchEvent takes an Event');
    event.target = this;
    const { type } = event;
    for (const listener of this.#listeners.get(type)?.all() ?? []) {
      if (event.stopped) break;
      // An earlier listener may have removed this one.
      if (this.#listeners.get(type)?.has(listener) !== true) continue;
      const { callback, once } = listener;
      if (once) this.#remove(type, listener);
      try {
        if (typeof callback === 'function') callback.call(this, event);
        else callback.handleEvent(event);
      } catch (error) {
        uncaught(error);
      }
    }
    return !event.defaultPrevented;
  }
}

/** Ensures that only this file can create a signal. */
const MAKE = Symbol('make');
const abortOf = new WeakMap<AbortSignal, (reason: unknown) => void>();

export class AbortSignal extends EventTarget {
  #onabort: ((event: Event) => unknown) | null = null;
  #aborted = false;
  #reason: unknown;

  constructor(key?: symbol) {
    super();
    if (key !== MAKE) throw new TypeError('Illegal constructor');
    abortOf.set(this, (reason) => {
      if (this.#aborted) return;
      this.#aborted = true;
      this.#reason = reason ?? new DOMException('This operation was aborted', 'AbortError');
      this.dispatchEvent(new Event('abort'));
    });
  }

  readonly #runHandler = (event: Event) => this.#onabort?.call(this, event);

  /** A handler takes its turn among the listeners, by when it was set (HTML standard). */
  get onabort(): ((event: Event) => unknown) | null {
    return this.#onabort;
  }
  set onabort(handler: ((event: Event) => unknown) | null) {
    this.#onabort = typeof handler === 'function' ? handler : null;
    if (this.#onabort === null) this.removeEventListener('abort', this.#runHandler);
    else this.addEventListener('abort', this.#runHandler);
  }

  get aborted(): boolean {
    return this.#aborted;
  }
  get reason(): unknown {
    return this.#reason;
  }
  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason;
  }

  static abort(reason?: unknown): AbortSignal {
    const signal = new AbortSignal(MAKE);
    abortOf.get(signal)?.(reason);
    return signal;
  }

  static timeout(milliseconds: number): AbortSignal {
    const signal = new AbortSignal(MAKE);
    const reason = () => new DOMException('The operation was aborted due to timeout', 'TimeoutError');
    setTimeout(() => abortOf.get(signal)?.(reason()), milliseconds);
    return signal;
  }

  static any(signals: Iterable<AbortSignal>): AbortSignal {
    const any = new AbortSignal(MAKE);
    for (const signal of signals) {
      const follow = () => abortOf.get(any)?.(signal.reason);
      if (signal.aborted) follow();
      else signal.addEventListener('abort', follow, { once: true });
    }
    return any;
  }
}

export class AbortController {
  readonly signal = new AbortSignal(MAKE);

  abort(reason?: unknown): void {
    abortOf.get(this.signal)?.(reason);
  }
}
