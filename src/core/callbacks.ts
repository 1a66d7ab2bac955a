import { createHmac, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type Namespace, namespaceSchema, type RequestId, requestIdSchema } from '../contract/ids.js';
import { MAX_CALLBACK_ATTEMPTS, MB } from '../contract/limits.js';
import { quotaExceeded } from '../contract/quotas.js';
import { AppError, isAppError, messageOf } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Closable } from '../ports/closable.js';
import type { Egress } from '../ports/egress.js';
import type { RateLimiter } from '../ports/rate-limiter.js';
import type { WaitingCallbacks } from '../ports/store/callbacks.js';
import type { Store } from '../ports/store.js';
import type { Tasks } from '../ports/tasks.js';
import { uuidv7 } from '../uuid.js';
import { auditEntry } from './audit.js';
import type { Actor } from './auth/principal.js';
import { freshCache } from './fresh-cache.js';
import type { Quotas } from './quotas.js';

/** All attempts take about 43 minutes: 5 s, 10 s, 20 s … */
const BACKOFF_MS = 5000;
const TIMEOUT_MS = 30_000;
/**
 * Limits of a namespace's callbacks per minute, in attempts and in kilobytes, so that the engine
 * cannot be used to flood a receiver.
 */
const TRIES_PER_MINUTE = 6000;
const KB_PER_MINUTE = 256 << 10;
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
  assertRoom(namespace: Namespace): Promise<void>;
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
}

const payloadSchema = z.object({
  /** Id of the invocation; absent in tasks of an earlier version. */
  id: requestIdSchema.optional(),
  namespace: namespaceSchema,
  url: z.string(),
  body: z.string(),
});

export interface CallbacksDeps {
  store: Store;
  tasks: Tasks;
  egress: Egress;
  rateLimiter: RateLimiter;
  quotas: Pick<Quotas, 'limits'>;
  logger: Logger;
}

export function createCallbacks(deps: CallbacksDeps): Callbacks {
  const { store, tasks, egress, rateLimiter, quotas, logger } = deps;
  const secret = (namespace: Namespace) => store.settings.putIfAbsent(SECRET_SCOPE, namespace, newSecret());

  /** This process adds its own callbacks to the counts in between, which are at most 2 s old. */
  const waitingOf = freshCache<WaitingCallbacks>();
  const waiting = async (namespace: Namespace): Promise<WaitingCallbacks> => {
    const load = () => store.callbacks.waiting(namespace);
    // If the store is unreachable, callbacks are sent as if none were waiting.
    return (await waitingOf.get(namespace, load).catch(() => null)) ?? { count: 0, bytes: 0 };
  };

  /**
   * A delayed attempt counts as an attempt, so callbacks that exceed the limit for long are
   * eventually dropped.
   */
  const countTry = async (namespace: Namespace, body: string) => {
    const kilobytes = Math.ceil(Buffer.byteLength(body) / 1024);
    const verdicts = [
      await rateLimiter.consume(`callbacks:${namespace}`, TRIES_PER_MINUTE),
      await rateLimiter.consume(`callback-kb:${namespace}`, KB_PER_MINUTE, kilobytes),
    ];
    if (verdicts.every(({ allowed }) => allowed)) return;
    throw new AppError('rate_limited', `Namespace "${namespace}" has used up its callbacks of this minute.`);
  };

  const post = async ({ id, namespace, url, body }: z.output<typeof payloadSchema>) => {
    await countTry(namespace, body);
    const { status } = await egress.fetch({
      method: 'POST',
      url,
      headers: {
        'content-type': 'application/json',
        ...signatures(await secret(namespace), { id: id ?? uuidv7(), body, at: Date.now() }),
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
  };

  /**
   * Records the outcome of an attempt. A failure to record it is only logged: delivering again just
   * for that would be worse.
   */
  const note = async ({ id, url }: z.output<typeof payloadSchema>, error: unknown, isLast = false) => {
    if (id === undefined) return;
    const outcome =
      error === null
        ? { deliveredAt: Date.now(), error: null, isLast: true }
        : { deliveredAt: null, error: publicMessage(error), isLast };
    await store.callbacks
      .attempted(id, url, outcome)
      .catch((cause) =>
        logger.warn(
          { request_id: id, err: messageOf(cause) },
          'the outcome of a callback could not be recorded',
        ),
      );
  };

  const deliver = async (text: string) => {
    const payload = payloadSchema.parse(JSON.parse(text));
    try {
      await post(payload);
    } catch (error) {
      // The URL was allowed when the call was accepted but is not any more; retries cannot succeed.
      const isLast = isAppError(error, 'egress_refused');
      await note(payload, error, isLast);
      if (isLast) return;
      throw error;
    }
    await note(payload, null);
  };

  return {
    secret,
    async renewSecret(by, namespace) {
      const value = newSecret();
      const audit = auditEntry(by, 'callback_secret.renew', 'callback-secret', namespace);
      await store.settings.put(SECRET_SCOPE, namespace, value, audit);
      return value;
    },
    async assertRoom(namespace) {
      const { waiting_jobs: limit } = await quotas.limits(namespace);
      const { count: used } = await waiting(namespace);
      if (used >= limit) throw quotaExceeded('waiting_jobs', { namespace, limit, used });
    },
    async send({ id, namespace }, url, given) {
      const { waiting_mb: limit } = await quotas.limits(namespace);
      const held = await waiting(namespace);
      const whole = JSON.stringify(given);
      const isFull = held.bytes + Buffer.byteLength(whole) > limit * MB;
      const body = isFull ? JSON.stringify(withoutOutput(given)) : whole;
      const bytes = Buffer.byteLength(body);
      held.count += 1;
      held.bytes += bytes;
      // Best effort: the callback is sent even if the store is unreachable.
      await store.callbacks.add({ id, namespace, url, bytes }).catch(() => undefined);
      await tasks.add({
        id,
        kind: KIND,
        owner: namespace,
        payload: JSON.stringify({ id, namespace, url, body }),
        attempts: MAX_CALLBACK_ATTEMPTS,
        backoffMs: BACKOFF_MS,
      });
    },
    start: () => tasks.consume({ [KIND]: deliver }),
  };
}

/** The receiver can still read the output with the invocation while it is kept. */
function withoutOutput({ output_base64: _, ...body }: CallbackBody): CallbackBody {
  return { ...body, output: null, output_omitted: true };
}

const SECRET_PREFIX = 'whsec_';

/** Generates a secret in the format of Standard Webhooks (`whsec_` and Base64). */
function newSecret(): string {
  return `${SECRET_PREFIX}${randomBytes(32).toString('base64')}`;
}

/**
 * Returns the signature headers: the engine's own signature of the body, with the secret's text as
 * the key, and those of Standard Webhooks, which cover the message id and the time of the attempt,
 * so that a receiver can detect replays.
 */
function signatures(secret: string, { id, body, at }: { id: string; body: string; at: number }) {
  const timestamp = String(Math.floor(at / 1000));
  // A secret of an earlier version has no prefix; its text is the key.
  const key = secret.startsWith(SECRET_PREFIX)
    ? Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64')
    : secret;
  const standard = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return {
    'x-orama-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${standard}`,
  };
}

/**
 * Returns the error text that the namespace can read. Unexpected errors appear only in the engine's
 * log.
 */
function publicMessage(error: unknown): string {
  return isAppError(error) ? error.message : 'The engine failed at this delivery; its log has the details.';
}
