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
interface Listener {
  type: string;
  callback: Callback;
  once: boolean;
}

export class EventTarget {
  #listeners: Listener[] = [];

  addEventListener(
    type: string,
    callback: Callback | null,
    options?: boolean | { once?: boolean; signal?: AbortSignal },
  ): void {
    if (callback === null || this.#listeners.some((one) => one.type === type && one.callback === callback))
      return;
    const { once = false, signal } = typeof options === 'object' ? options : {};
    if (signal?.aborted === true) return;
    this.#listeners.push({ type, callback, once });
    signal?.addEventListener('abort', () => this.removeEventListener(type, callback), { once: true });
  }

  removeEventListener(type: string, callback: Callback | null): void {
    this.#listeners = this.#listeners.filter((one) => one.type !== type || one.callback !== callback);
  }

  dispatchEvent(event: Event): boolean {
    if (!(event instanceof Event)) throw new TypeError('dispatchEvent takes an Event');
    event.target = this;
    for (const listener of [...this.#listeners]) {
      const { type, callback, once } = listener;
      // An earlier listener may have removed this one.
      if (type !== event.type || event.stopped || !this.#listeners.includes(listener)) continue;
      if (once) this.removeEventListener(type, callback);
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
