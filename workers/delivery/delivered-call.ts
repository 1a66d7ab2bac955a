import type { FunctionVersion } from '../../src/contract/function.js';
import type { Blobs } from '../../src/ports/blobs.js';
import type { GuestCall, HostCaller } from '../../src/ports/engine.js';
import type { Delivery } from '../../src/ports/queue.js';

/**
 * A delivery as a `GuestCall` of the engine. A class, because V8 creates an object literal with a
 * getter property by property on every run.
 */
export class DeliveredCall implements GuestCall {
  readonly requestId;
  readonly namespace;
  readonly functionName;
  readonly cid;
  readonly warmStart;
  readonly memoryLimitMb;
  readonly timeoutMs;
  readonly input;
  readonly httpRequest;
  readonly callerWallet;
  readonly env;
  readonly urgent;
  readonly signal;
  readonly #blobs: Blobs;
  readonly #makeHost: () => HostCaller;
  readonly #delivery: Delivery;
  #host: HostCaller | undefined;

  constructor(
    delivery: Delivery,
    fn: FunctionVersion,
    { blobs, makeHost }: { blobs: Blobs; makeHost: () => HostCaller },
  ) {
    const { invocation, attempt, signal } = delivery;
    this.requestId = invocation.id;
    this.namespace = invocation.namespace;
    this.functionName = fn.name;
    this.cid = fn.wasm_cid;
    this.warmStart = fn.warm_start;
    this.memoryLimitMb = fn.memory_limit_mb;
    this.timeoutMs = fn.timeout_seconds * 1000;
    this.input = invocation.input;
    this.httpRequest = invocation.httpRequest;
    this.callerWallet = invocation.callerWallet;
    this.env = {
      ...fn.metadata.env,
      ORAMA_ATTEMPT: String(attempt),
      ORAMA_NAMESPACE: invocation.namespace,
      ORAMA_TRIGGER: invocation.trigger,
      ORAMA_VERSION: String(fn.version),
    };
    this.urgent = invocation.replyTo !== undefined;
    this.signal = signal;
    this.#delivery = delivery;
    this.#blobs = blobs;
    this.#makeHost = makeHost;
  }

  loadWasm(): Promise<Uint8Array> {
    return this.#blobs.get(this.cid);
  }

  onBegin(): void {
    this.#delivery.begun();
  }

  /** Created on first access, because most guests make no host call. */
  get host(): HostCaller {
    this.#host ??= this.#makeHost();
    return this.#host;
  }
}
