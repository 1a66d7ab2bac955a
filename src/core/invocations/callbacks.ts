import * as z from 'zod';
import { type Namespace, namespaceSchema, type RequestId, requestIdSchema } from '../../contract/ids.js';
import { MAX_CALLBACK_ATTEMPTS, MB } from '../../contract/limits.js';
import { quotaExceeded } from '../../contract/quotas.js';
import { AppError, isAppError, messageOf } from '../../errors.js';
import type { Logger } from '../../logger.js';
import type { Closable } from '../../ports/closable.js';
import type { Egress } from '../../ports/egress.js';
import type { RateLimiter } from '../../ports/rate-limiter.js';
import type { WaitingCallbacks } from '../../ports/store/callbacks.js';
import type { Store } from '../../ports/store.js';
import type { Tasks } from '../../ports/tasks.js';
import { auditEntry } from '../auth/audit.js';
import type { Actor } from '../auth/principal.js';
import { freshCache } from '../fresh-cache.js';
import type { Quotas } from '../quotas.js';
import { type CallDepth, DEPTH_HEADER } from './call-depth.js';
import { newSecret, signatures } from './callback-signatures.js';

/** All attempts take about 43 minutes: 5 s, 10 s, 20 s … */
const BACKOFF_MS = 5000;
const TIMEOUT_MS = 30_000;
/**
 * Limits of a namespace's callbacks per minute, in attempts and in kilobytes, so that the engine
 * cannot be used to flood a receiver.
 */
const ATTEMPTS_PER_MINUTE = 6000;
const KB_PER_MINUTE = 256 << 10;
const SWEEP_EVERY_MS = 60_000;
const SWEEP_STEP = 1000;
/**
 * Age of a record without a task that counts as lost: the record is written before its task is
 * added.
 */
const LOST_AFTER_MS = 60_000;
const LOST = 'The delivery was removed from the queue; it is not sent again.';
const SECRET_SCOPE = 'callback-secret';
const KIND = 'callback';

/**
 * Delivers results by POST to the URL given by the caller: durably, with retries, and signed with
 * the namespace's callback secret.
 */
export interface Callbacks {
  /**
   * Throws `quota_exceeded` if the namespace has as many callbacks waiting as it may have jobs
   * waiting.
   */
  assertCapacity(namespace: Namespace): Promise<void>;
  /**
   * Adds a delivery; it is durable when the promise resolves. Adding it again for the same
   * invocation has no effect. Without the `output` of the body if the bodies that wait fill the
   * namespace's `waiting_mb`.
   */
  send(of: CallbackOwner, url: string, body: CallbackBody): Promise<void>;
  /** Starts delivering. */
  start(): Promise<Closable>;
  /** Returns the namespace's secret, generated on first use. */
  secret(namespace: Namespace): Promise<string>;
  renewSecret(by: Actor, namespace: Namespace): Promise<string>;
}

/** The result of an invocation; `output` or `output_base64` is null or text. */
export type CallbackBody = Readonly<Record<string, unknown>> & {
  readonly output?: string | null;
  readonly output_base64?: string;
};

/** The invocation whose result is delivered. */
export interface CallbackOwner {
  id: RequestId;
  namespace: Namespace;
  triggerDepth: number;
}

const payloadSchema = z.object({
  /** Id of the invocation. */
  id: requestIdSchema,
  namespace: namespaceSchema,
  url: z.string(),
  body: z.string(),
  /** Trigger depth of the invocation. Callbacks that earlier builds added have none. */
  depth: z.number().default(0),
});

type CallbackPayload = z.output<typeof payloadSchema>;

export interface CallbacksDeps {
  store: Store;
  tasks: Tasks;
  egress: Egress;
  rateLimiter: RateLimiter;
  quotas: Pick<Quotas, 'limits'>;
  depths: Pick<CallDepth, 'sign'>;
  logger: Logger;
}

/** Sends callbacks as background tasks. */
export class TaskCallbacks implements Callbacks {
  readonly #deps: CallbacksDeps;
  /** This process adds its own callbacks to the counts in between, which are at most 2 s old. */
  readonly #waiting = freshCache<WaitingCallbacks>();

  constructor(deps: CallbacksDeps) {
    this.#deps = deps;
  }

  async assertCapacity(namespace: Namespace): Promise<void> {
    const { waiting_jobs: limit } = await this.#deps.quotas.limits(namespace);
    const { count: used } = await this.#waitingOf(namespace);
    if (used >= limit) throw quotaExceeded('waiting_jobs', { namespace, limit, used });
  }

  async send(
    { id, namespace, triggerDepth: depth }: CallbackOwner,
    url: string,
    given: CallbackBody,
  ): Promise<void> {
    const { store, tasks, quotas } = this.#deps;
    const { waiting_mb: limit } = await quotas.limits(namespace);
    const waiting = await this.#waitingOf(namespace);
    const whole = JSON.stringify(given);
    const isFull = waiting.bytes + Buffer.byteLength(whole) > limit * MB;
    const body = isFull ? JSON.stringify(withoutOutput(given)) : whole;
    const bytes = Buffer.byteLength(body);
    waiting.count += 1;
    waiting.bytes += bytes;
    // Best effort: the callback is sent even if the store is unreachable.
    await store.callbacks.add({ id, namespace, url, bytes }).catch(() => undefined);
    await tasks.add({
      id,
      kind: KIND,
      owner: namespace,
      payload: JSON.stringify({ id, namespace, url, body, depth }),
      attempts: MAX_CALLBACK_ATTEMPTS,
      backoffMs: BACKOFF_MS,
    });
  }

  async start(): Promise<Closable> {
    const consumer = await this.#deps.tasks.consume({ [KIND]: (text) => this.#deliver(text) });
    let sweeping: Promise<void> = Promise.resolve();
    const timer = setInterval(() => {
      // What fails, for example because the store is unreachable, is done the next time.
      sweeping = sweeping.then(() => this.giveUpLost(Date.now() - LOST_AFTER_MS)).catch(() => undefined);
    }, SWEEP_EVERY_MS);
    timer.unref();
    return {
      close: async () => {
        clearInterval(timer);
        await consumer.close();
        await sweeping;
      },
    };
  }

  /**
   * Ends the records of callbacks of before `addedBefore` whose task is gone without an outcome: it
   * was removed with a BullMQ tool.
   */
  async giveUpLost(addedBefore: number): Promise<void> {
    const { store, tasks } = this.#deps;
    const lost: RequestId[] = [];
    for (const id of await store.callbacks.pending(addedBefore, SWEEP_STEP)) {
      if (!(await tasks.has(id))) lost.push(id);
    }
    if (lost.length > 0) await store.callbacks.giveUp(lost, LOST);
  }

  secret(namespace: Namespace): Promise<string> {
    return this.#deps.store.settings.putIfAbsent(SECRET_SCOPE, namespace, newSecret());
  }

  async renewSecret(by: Actor, namespace: Namespace): Promise<string> {
    const value = newSecret();
    const audit = auditEntry(by, 'callback_secret.renew', 'callback-secret', namespace);
    await this.#deps.store.settings.put(SECRET_SCOPE, namespace, value, audit);
    return value;
  }

  async #waitingOf(namespace: Namespace): Promise<WaitingCallbacks> {
    const load = () => this.#deps.store.callbacks.waiting(namespace);
    // If the store is unreachable, callbacks are sent as if none were waiting.
    return (await this.#waiting.get(namespace, load).catch(() => null)) ?? { count: 0, bytes: 0 };
  }

  async #deliver(text: string): Promise<void> {
    const payload = payloadSchema.parse(JSON.parse(text));
    try {
      await this.#post(payload);
    } catch (error) {
      // The URL was allowed when the call was accepted but is not any more; retries cannot succeed.
      const isLast = isAppError(error, 'egress_refused');
      await this.#record(payload, error, isLast);
      if (isLast) return;
      throw error;
    }
    await this.#record(payload, null);
  }

  async #post({ id, namespace, url, body, depth }: CallbackPayload): Promise<void> {
    await this.#countAttempt(namespace, body);
    const { status } = await this.#deps.egress.fetch({
      namespace,
      method: 'POST',
      url,
      headers: {
        'content-type': 'application/json',
        // A callback to a function of this engine must not restart the depth of a loop.
        [DEPTH_HEADER]: this.#deps.depths.sign(depth),
        ...signatures(await this.secret(namespace), { id, body, at: Date.now() }),
      },
      body: Buffer.from(body),
      // Do not follow a redirect that would change POST to GET and drop the body and its signature.
      keepMethod: true,
      timeoutMs: TIMEOUT_MS,
      // Only the status is used.
      ignoresBody: true,
      maxResponseBytes: 64 << 10,
    });
    // 4xx is retried as well, as receivers respond with 404 while they are being deployed.
    if (status < 200 || status >= 300) {
      throw new AppError(
        'unavailable',
        `The receiver answered with status ${status}; only a 2xx is taken as received.`,
      );
    }
  }

  /**
   * A delayed attempt counts as an attempt, so callbacks that exceed the limit for long are
   * eventually dropped.
   */
  async #countAttempt(namespace: Namespace, body: string): Promise<void> {
    const { rateLimiter } = this.#deps;
    const kilobytes = Math.ceil(Buffer.byteLength(body) / 1024);
    const verdicts = [
      await rateLimiter.consume(`callbacks:${namespace}`, ATTEMPTS_PER_MINUTE),
      await rateLimiter.consume(`callback-kb:${namespace}`, KB_PER_MINUTE, kilobytes),
    ];
    if (verdicts.every(({ allowed }) => allowed)) return;
    throw new AppError('rate_limited', `Namespace "${namespace}" has used up its callbacks of this minute.`);
  }

  /**
   * Records the outcome of an attempt. A failure to record it is only logged: delivering again just
   * for that would be worse.
   */
  async #record({ id, url }: CallbackPayload, error: unknown, isLast = false): Promise<void> {
    const outcome =
      error === null
        ? { deliveredAt: Date.now(), error: null, isLast: true }
        : { deliveredAt: null, error: publicMessage(error), isLast };
    await this.#deps.store.callbacks
      .attempted(id, url, outcome)
      .catch((cause) =>
        this.#deps.logger.warn(
          { request_id: id, err: messageOf(cause) },
          'the outcome of a callback could not be recorded',
        ),
      );
  }
}

/** The receiver can still read the output with the invocation while it is kept. */
function withoutOutput({ output_base64: _, ...body }: CallbackBody): CallbackBody {
  return { ...body, output: null, output_omitted: true };
}

/**
 * Returns the error text that the namespace can read. Unexpected errors appear only in the engine's
 * log.
 */
function publicMessage(error: unknown): string {
  return isAppError(error) ? error.message : "An internal error occurred; see the engine's log.";
}
