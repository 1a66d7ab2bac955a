import { createHmac, randomBytes } from 'node:crypto';

const SECRET_PREFIX = 'whsec_';

/** Generates a secret in the format of Standard Webhooks (`whsec_` and Base64). */
export function newSecret(): string {
  return `${SECRET_PREFIX}${randomBytes(32).toString('base64')}`;
}

/**
 * Returns the signature headers: the engine's own signature of the body, with the secret's text as
 * the key, and those of Standard Webhooks, which cover the message id and the time of the attempt,
 * so that a receiver can detect replays.
 */
export function signatures(secret: string, { id, body, at }: { id: string; body: string; at: number }) {
  const timestamp = String(Math.floor(at / 1000));
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
  const standard = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return {
    'x-orama-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${standard}`,
  };
}
