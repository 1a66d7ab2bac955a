import * as host from './host.js';
import { type Received, received } from './http.js';
import { uncaught } from './rejections.js';

/** Metadata of the invocation, read on access. */
class InvocationContext {
  readonly #until: Promise<unknown>[] = [];
  #http: Received | null | undefined;

  get requestId(): string {
    return host.requestId() ?? '';
  }
  /** The wallet of the caller's JWT; empty without one. */
  get wallet(): string {
    return host.callerWallet() ?? '';
  }
  get function(): string {
    return host.functionName() ?? '';
  }
  /** Number of the attempt, starting at 1. */
  get attempt(): number {
    return Number(host.getEnv('ORAMA_ATTEMPT') ?? 1);
  }
  get namespace(): string {
    return host.getEnv('ORAMA_NAMESPACE') ?? '';
  }
  get version(): number {
    return Number(host.getEnv('ORAMA_VERSION') ?? 0);
  }

  /** The HTTP request of an HTTP function; null for other triggers. */
  get http(): Received | null {
    if (this.#http === undefined) this.#http = received();
    return this.#http;
  }

  /**
   * Keeps the invocation running, and its output from being sent, until the promise has settled.
   */
  waitUntil(promise: unknown): void {
    this.#until.push(Promise.resolve(promise));
  }

  /** For compatibility with Workers; has no effect here, since failures are always errors. */
  passThroughOnException(): void {}

  /** Resolves when all promises passed to waitUntil have settled. Rejections are logged. */
  async settled(): Promise<void> {
    for (let promise = this.#until.shift(); promise !== undefined; promise = this.#until.shift()) {
      await promise.catch((error: unknown) => uncaught(error));
    }
  }
}

export type Context = InvocationContext;

/** A single instance suffices, as a module runs one invocation at a time. */
export const context: Context = new InvocationContext();

/**
 * What `{...ctx}` and `JSON.stringify(ctx)` hold: own properties, where those of a class are not.
 */
const SHOWN = ['requestId', 'attempt', 'wallet', 'namespace', 'function', 'version'] as const;
for (const name of SHOWN) {
  const property = Object.getOwnPropertyDescriptor(InvocationContext.prototype, name);
  Object.defineProperty(context, name, { ...property, enumerable: true });
}
