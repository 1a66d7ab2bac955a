import { createHmac, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type Namespace, namespaceSchema, type RequestId, requestIdSchema } from '../contract/ids.js';
import { AppError, isAppError, messageOf } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Closable } from '../ports/closable.js';
import type { Egress } from '../ports/egress.js';
import type { Store } from '../ports/store.js';
import type { Tasks } from '../ports/tasks.js';

/** About an hour in all: 5 s, 10 s, 20 s … */
const ATTEMPTS = 10;
const BACKOFF_MS = 5000;
const TIMEOUT_MS = 30_000;
const SECRET_SCOPE = 'callback-secret';
const KIND = 'callback';

/** Results POSTed to where the caller asked: durable, retried, signed with the namespace's callback secret. */
export interface Callbacks {
  /** Durable when it resolves; of one invocation it is sent once. */
  send(of: CallbackOwner, url: string, body: Record<string, unknown>): Promise<void>;
  /** Starts delivering. */
  start(): Promise<Closable>;
  /** Made at first use. */
  secret(namespace: Namespace): Promise<string>;
  renewSecret(namespace: Namespace): Promise<string>;
}

/** The invocation whose result it is. */
export interface CallbackOwner {
  id: RequestId;
  namespace: Namespace;
}

const payloadSchema = z.object({
  /** Absent in those of an earlier version. */
  id: requestIdSchema.optional(),
  namespace: namespaceSchema,
  url: z.string(),
  body: z.string(),
});

export interface CallbacksDeps {
  store: Store;
  tasks: Tasks;
  egress: Egress;
  logger: Logger;
}

export function createCallbacks({ store, tasks, egress, logger }: CallbacksDeps): Callbacks {
  const secret = (namespace: Namespace) => store.settings.putIfAbsent(SECRET_SCOPE, namespace, newSecret());

  const post = async ({ namespace, url, body }: z.output<typeof payloadSchema>) => {
    const signature = createHmac('sha256', await secret(namespace))
      .update(body)
      .digest('hex');
    const { status } = await egress.fetch({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json', 'x-orama-signature': `sha256=${signature}` },
      body: Buffer.from(body),
      // One that would turn the POST into a GET, without its body and signature, is the receiver's answer.
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

  /** That it cannot be noted takes nothing from a delivery: to send it again only for that would be worse. */
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
      // The address was allowed when the call was accepted and is not any more: no later attempt will help.
      if (isAppError(error, 'egress_refused')) return;
      throw error;
    }
    await note(payload, null);
  };

  return {
    secret,
    async renewSecret(namespace) {
      const value = newSecret();
      await store.settings.put(SECRET_SCOPE, namespace, value);
      return value;
    },
    async send({ id, namespace }, url, body) {
      // Best effort, as is every note of it: with the store away the callback goes out all the same.
      await store.callbacks.add(id, url).catch(() => undefined);
      await tasks.add({
        id,
        kind: KIND,
        payload: JSON.stringify({ id, namespace, url, body: JSON.stringify(body) }),
        attempts: ATTEMPTS,
        backoffMs: BACKOFF_MS,
      });
    },
    start: () => tasks.consume({ [KIND]: deliver }),
  };
}

function newSecret(): string {
  return `cs_${randomBytes(32).toString('base64url')}`;
}

/** What the namespace's people read of an attempt that failed; what nobody foresaw is told to the log alone. */
function toldOf(error: unknown): string {
  return isAppError(error) ? error.message : 'The engine failed at this delivery; its log has the details.';
}
