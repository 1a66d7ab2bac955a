import { z } from 'zod';
import { namespaceSchema } from '../ids.js';
import { keyRecordSchema } from '../records.js';

export const createKeyBodySchema = z.object({
  name: z.string().min(1).max(128),
  namespace: namespaceSchema.optional(),
});

export const createKeyReplySchema = z.object({ api_key: z.string(), ...keyRecordSchema.shape });

export const keysReplySchema = z.object({ keys: z.array(keyRecordSchema), count: z.number().int() });

export const keyPath = z.object({ id: z.string().min(1).max(128) });

export const challengeBodySchema = z.object({
  wallet: z.string().min(1).max(128),
  purpose: z.string().max(256).default(''),
  namespace: namespaceSchema,
});
export const challengeReplySchema = z.object({
  wallet: z.string(),
  namespace: namespaceSchema,
  nonce: z.string(),
  expires_at: z.string(),
});

export const verifyBodySchema = z.object({
  wallet: z.string().min(1).max(128),
  nonce: z.string().min(1).max(256),
  signature: z.string().min(1).max(512),
  namespace: namespaceSchema,
  chain_type: z.enum(['ETH', 'SOL']).optional(),
});

export const refreshBodySchema = z.object({ refresh_token: z.string().min(1).max(512) });

export const loginReplySchema = z.object({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.number().int(),
  refresh_token: z.string(),
  subject: z.string(),
  namespace: namespaceSchema,
});

export const tokenReplySchema = loginReplySchema.omit({ refresh_token: true });

export const logoutBodySchema = z.object({ refresh_token: z.string().min(1).max(512).optional() });

export const whoamiReplySchema = z.object({
  authenticated: z.literal(true),
  method: z.enum(['api_key', 'jwt']),
  subject: z.string(),
  wallet: z.string().describe('Empty for API keys.'),
  namespace: namespaceSchema,
  is_admin: z.boolean(),
  expires_at: z.string().nullable(),
});

export const callbackSecretReplySchema = z.object({ secret: z.string() });

export const jwksReplySchema = z.object({ keys: z.array(z.record(z.string(), z.unknown())) });
