import { createHmac, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type Namespace, namespaceSchema } from '../contract/ids.js';
import { AppError, isAppError } from '../errors.js';
import type { Closable } from '../ports/closable.js';
import type { Egress } from '../ports/egress.js';
import type { Store } from '../ports/store.js';
import type { Tasks } from '../ports/tasks.js';
import { uuidv7 } from '../uuid.js';
import { auditEntry } from './audit.js';
import type { Actor } from './auth/principal.js';

/** About an hour in all: 5 s, 10 s, 20 s … */
const ATTEMPTS = 10;
const BACKOFF_MS = 5000;
const TIMEOUT_MS = 30_000;
const SECRET_SCOPE = 'callback-secret';
const KIND = 'callback';

/** Results POSTed to where the caller asked: durable, retried, signed with the namespace's callback secret. */
export interface Callbacks {
  /** Durable when it resolves. */
  send(namespace: Namespace, url: string, body: Record<string, unknown>): Promise<void>;
  /** Starts delivering. */
  start(): Promise<Closable>;
  /** Made at first use. */
  secret(namespace: Namespace): Promise<string>;
  renewSecret(by: Actor, namespace: Namespace): Promise<string>;
}

const payloadSchema = z.object({ namespace: namespaceSchema, url: z.string(), body: z.string() });

export interface CallbacksDeps {
  store: Store;
  tasks: Tasks;
  egress: Egress;
}

export function createCallbacks({ store, tasks, egress }: CallbacksDeps): Callbacks {
  const secret = (namespace: Namespace) => store.settings.putIfAbsent(SECRET_SCOPE, namespace, newSecret());

  const deliver = async (payload: string) => {
    const { namespace, url, body } = payloadSchema.parse(JSON.parse(payload));
    const signature = createHmac('sha256', await secret(namespace))
      .update(body)
      .digest('hex');
    try {
      const { status } = await egress.fetch({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json', 'x-orama-signature': `sha256=${signature}` },
        body: Buffer.from(body),
        timeoutMs: TIMEOUT_MS,
        maxResponseBytes: 64 << 10,
      });
      // 4xx other than 408 and 429 will not get better by itself, but receivers answer 404 while they are deployed.
      if (status >= 300)
        throw new AppError('unavailable', `The callback was answered with status ${status}.`);
    } catch (error) {
      // The address was allowed when the call was accepted and is not any more: no later attempt will help.
      if (isAppError(error, 'egress_refused')) return;
      throw error;
    }
  };

  return {
    secret,
    async renewSecret(by, namespace) {
      const value = newSecret();
      const audit = auditEntry(by, 'callback_secret.renew', 'callback-secret', namespace);
      await store.settings.put(SECRET_SCOPE, namespace, value, audit);
      return value;
    },
    send: (namespace, url, body) =>
      tasks.add({
        id: uuidv7(),
        kind: KIND,
        payload: JSON.stringify({ namespace, url, body: JSON.stringify(body) }),
        attempts: ATTEMPTS,
        backoffMs: BACKOFF_MS,
      }),
    start: () => tasks.consume({ [KIND]: deliver }),
  };
}

function newSecret(): string {
  return `cs_${randomBytes(32).toString('base64url')}`;
}
