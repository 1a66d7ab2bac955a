import { functionRefSchema, parseFunctionRef } from '../../src/contract/function-ref.js';
import { MAX_TRIGGER_DEPTH } from '../../src/contract/limits.js';
import type { Publisher } from '../../src/core/events/publish.js';
import { assertInputSize, type InvokeRequest, type Invoker } from '../../src/core/invocations/invoke.js';
import { JobBudget } from '../../src/core/invocations/job-budget.js';
import type { Quotas } from '../../src/core/quotas.js';
import { AppError } from '../../src/errors.js';
import { jsonTextOf } from '../../src/json/json-text.js';
import type { HostRun } from './host-run.js';

export interface GuestJobsDeps {
  publisher: Publisher;
  invoker: Invoker;
  quotas: Quotas;
}

/**
 * What one invocation publishes and enqueues: at most as many jobs as its namespace's quota allows,
 * each one level deeper than the invocation.
 */
export class GuestJobs {
  readonly #deps: GuestJobsDeps;
  readonly #run: HostRun;
  #budget: JobBudget | undefined;

  constructor(deps: GuestJobsDeps, run: HostRun) {
    this.#deps = deps;
    this.#run = run;
  }

  /** Resolves with 1, and with a note for the log if the message was too deep to fire triggers. */
  async publish(topic: string, data: Uint8Array): Promise<1 | { value: 1; note: string }> {
    // Before the data is parsed.
    assertInputSize(data.byteLength);
    const { invocation } = this.#run;
    const { tooDeep } = await this.#deps.publisher.publish({
      namespace: invocation.namespace,
      topic,
      bytes: data,
      data: jsonTextOf(data),
      depth: invocation.triggerDepth + 1,
      budget: await this.#jobBudget(),
      ...this.#origin(),
    });
    if (!tooDeep) return 1;
    return {
      value: 1,
      note: `The message on "${topic}" fired no trigger: the trigger depth of ${MAX_TRIGGER_DEPTH} is reached.`,
    };
  }

  /** Resolves with the request id of the new invocation. */
  async enqueue(name: string, payload: Uint8Array, delaySeconds: number): Promise<string> {
    const ref = functionRefSchema.safeParse(name);
    if (!ref.success) throw new AppError('invalid_request', `No function can be named "${name}".`);
    const { name: callee, version } = parseFunctionRef(ref.data);
    const { invocation } = this.#run;
    const depth = invocation.triggerDepth + 1;
    if (depth > MAX_TRIGGER_DEPTH) {
      throw new AppError(
        'invalid_request',
        `"${name}" was not called, the trigger depth of ${MAX_TRIGGER_DEPTH} is reached.`,
      );
    }
    const budget = await this.#jobBudget();
    budget.take(1);
    const request: InvokeRequest = {
      namespace: invocation.namespace,
      function: callee,
      ...(version === undefined ? {} : { version }),
      input: payload,
      trigger: 'async',
      triggerDepth: depth,
      callerWallet: invocation.callerWallet,
      delayMs: delaySeconds * 1000,
      ...this.#origin(),
    };
    try {
      return (await this.#deps.invoker.send(request)).id;
    } catch (error) {
      budget.refund(1);
      throw error;
    }
  }

  /** The invocation and the span that new jobs descend from. */
  #origin() {
    const { id: parentId, traceparent } = this.#run.invocation;
    return traceparent === undefined ? { parentId } : { parentId, traceparent };
  }

  async #jobBudget(): Promise<JobBudget> {
    const { namespace } = this.#run.invocation;
    const { jobs_per_invocation: limit } = await this.#deps.quotas.limits(namespace);
    this.#budget ??= new JobBudget(namespace, limit);
    return this.#budget;
  }
}
