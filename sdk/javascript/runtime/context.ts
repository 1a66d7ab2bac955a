import * as host from './host.js';
import { type Received, received } from './http.js';
import { uncaught } from './rejections.js';

/** What is known of an invocation from outside. Read when it is asked for. */
class InvocationContext {
  readonly #until: Promise<unknown>[] = [];
  #http: Received | null | undefined;

  get requestId(): string {
    return host.requestId() ?? '';
  }
  /** The wallet that the caller's JWT proved; empty without one. */
  get wallet(): string {
    return host.callerWallet() ?? '';
  }
  get function(): string {
    return host.functionName() ?? '';
  }
  /** 1 for the first. */
  get attempt(): number {
    return Number(host.getEnv('ORAMA_ATTEMPT') ?? 1);
  }
  get namespace(): string {
    return host.getEnv('ORAMA_NAMESPACE') ?? '';
  }
  get version(): number {
    return Number(host.getEnv('ORAMA_VERSION') ?? 0);
  }

  /** What an HTTP function is called with; null for other triggers. */
  get http(): Received | null {
    if (this.#http === undefined) this.#http = received();
    return this.#http;
  }

  /** The invocation ends, and its output is sent, when these have settled too. */
  waitUntil(promise: unknown): void {
    this.#until.push(Promise.resolve(promise));
  }

  /** As in Workers; here a failure is always an error. */
  passThroughOnException(): void {}

  /** Resolves when everything that was given to waitUntil has settled. What was rejected is logged. */
  async settled(): Promise<void> {
    for (let promise = this.#until.shift(); promise !== undefined; promise = this.#until.shift()) {
      await promise.catch((error: unknown) => uncaught(error));
    }
  }
}

export type Context = InvocationContext;

/** One is enough: a module runs one invocation at a time. */
export const context: Context = new InvocationContext();

/** What `{...ctx}` and `JSON.stringify(ctx)` hold: own properties, where those of a class are not. */
const SHOWN = ['requestId', 'attempt', 'wallet', 'namespace', 'function', 'version'] as const;
for (const name of SHOWN) {
  const property = Object.getOwnPropertyDescriptor(InvocationContext.prototype, name);
  Object.defineProperty(context, name, { ...property, enumerable: true });
}
