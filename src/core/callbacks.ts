import { createHmac, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type Namespace, namespaceSchema, type RequestId, requestIdSchema } from '../contract/ids.js';
import { AppError, isAppError, messageOf } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Closable } from '../ports/closable.js';
import type { Egress } from '../ports/egress.js';
import type { RateLimiter } from '../ports/rate-limiter.js';
import type { Store } from '../ports/store.js';
import type { Tasks } from '../ports/tasks.js';
import { uuidv7 } from '../uuid.js';
import { auditEntry } from './audit.js';
import type { Actor } from './auth/principal.js';

/** About an hour in all: 5 s, 10 s, 20 s … */
const ATTEMPTS = 10;
const BACKOFF_MS = 5000;
const TIMEOUT_MS = 30_000;
/**
 * A namespace's tries in a minute, and the kilobytes of them: no receiver is flooded in the
 * engine's name.
 */
const TRIES_PER_MINUTE = 6000;
const KB_PER_MINUTE = 256 << 10;
const SECRET_SCOPE = 'callback-secret';
const KIND = 'callback';

/**
 * Results POSTed to where the caller asked: durable, retried, signed with the namespace's callback
 * secret.
 */
export interface Callbacks {
  /** Durable when it resolves; of one invocation it is sent once. */
  send(of: CallbackOwner, url: string, body: Record<string, unknown>): Promise<void>;
  /** Starts delivering. */
  start(): Promise<Closable>;
  /** Made at first use. */
  secret(namespace: Namespace): Promise<string>;
  renewSecret(by: Actor, namespace: Namespace): Promise<string>;
}

/** The invocation whose result it is. */
export interface CallbackOwner {
  id: RequestId;
  namespace: Namespace;
}

const payloadSchema = z.object({
  /** Of the invocation; absent in those of an earlier version. */
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
  logger: Logger;
}

export function createCallbacks(deps: CallbacksDeps): Callbacks {
  const { store, tasks, egress, rateLimiter, logger } = deps;
  const secret = (namespace: Namespace) => store.settings.putIfAbsent(SECRET_SCOPE, namespace, newSecret());

  /** A try that is put off counts as one: what comes too fast for an hour is dropped in the end. */
  const countTry = async (namespace: Namespace, body: string) => {
    const kilobytes = Math.ceil(body.length / 1024);
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
      // One that would turn the POST into a GET, without its body and signature, is the receiver's
      // answer.
      keepMethod: true,
      timeoutMs: TIMEOUT_MS,
      // What is said beside the status is of no use to anybody.
      ignoresBody: true,
      maxResponseBytes: 64 << 10,
    });
    // 4xx will hardly get better by itself, but receivers answer 404 while they are deployed.
    if (status < 200 || status >= 300) {
      throw new AppError(
        'unavailable',
        `The receiver answered with status ${status}; only a 2xx is taken as received.`,
      );
    }
  };

  /**
   * That it cannot be noted takes nothing from a delivery: to send it again only for that would be
   * worse.
   */
  const note = async ({ id, url }: z.output<typeof payloadSchema>, error: unknown) => {
    if (id === undefined) return;
    const outcome =
      error === null ? { deliveredAt: Date.now(), error: null } : { deliveredAt: null, error: toldOf(error) };
    await store.callbacks
      .attempted(id, url, outcome)
      .catch((cause) => logger.warn({ request_id: id, err: messageOf(cause) }, 'a callback was not noted'));
  };

  const deliver = async (text: string) => {
    const payload = payloadSchema.parse(JSON.parse(text));
    try {
      await post(payload);
    } catch (error) {
      await note(payload, error);
      // The address was allowed when the call was accepted and is not any more: no later attempt
      // will help.
      if (isAppError(error, 'egress_refused')) return;
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
    async send({ id, namespace }, url, body) {
      // Best effort, as is every note of it: with the store away the callback goes out all the
      // same.
      await store.callbacks.add(id, url).catch(() => undefined);
      await tasks.add({
        id,
        kind: KIND,
        owner: namespace,
        payload: JSON.stringify({ id, namespace, url, body: JSON.stringify(body) }),
        attempts: ATTEMPTS,
        backoffMs: BACKOFF_MS,
      });
    },
    start: () => tasks.consume({ [KIND]: deliver }),
  };
}

const SECRET_PREFIX = 'whsec_';

/** In the form of Standard Webhooks, which its libraries take as it is. */
function newSecret(): string {
  return `${SECRET_PREFIX}${randomBytes(32).toString('base64')}`;
}

/**
 * Ours over the body, with the secret's text as the key; and the headers of Standard Webhooks,
 * whose signature covers the message's id and the time of this try, so that a receiver can tell a
 * body that is sent again by somebody else.
 */
function signatures(secret: string, { id, body, at }: { id: string; body: string; at: number }) {
  const timestamp = String(Math.floor(at / 1000));
  // A secret of an earlier version has another form; its text is the key.
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
 * What the namespace's people read of an attempt that failed; what nobody foresaw is told to the
 * log alone.
 */
function toldOf(error: unknown): string {
  return isAppError(error) ? error.message : 'The engine failed at this delivery; its log has the details.';
}
