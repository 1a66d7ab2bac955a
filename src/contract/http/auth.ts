import * as z from 'zod';
import { namespaceSchema } from '../ids.js';
import { auditEventSchema, keyRecordSchema } from '../records.js';
import { functionGlobSchema, grantedScopeSchema } from '../scopes.js';
import { show } from '../show.js';
import { namespaceQuery, sinceSchema } from './common.js';

/**
 * Strict: if a misspelled restriction were ignored, the key would have more rights than intended.
 */
export const createKeyBodySchema = z.strictObject({
  name: z.string().min(1).max(128),
  namespace: namespaceSchema.optional(),
  scopes: z
    .array(grantedScopeSchema)
    .min(1, { error: 'must hold at least one scope; leave it out for all that the maker has' })
    .max(20)
    .optional()
    .describe('Scopes of the key; by default all scopes of its maker. `*` means all.'),
  functions: z
    .array(functionGlobSchema)
    .min(1, { error: 'must hold at least one name or pattern; leave it out for all functions' })
    .max(100)
    .optional()
    .describe('Names and patterns such as `hook-*`, to which invoke, deploy and read are restricted.'),
  expires_at: z.iso
    .datetime({
      offset: true,
      error: ({ input }) => `must be a time such as "2027-01-31T12:00:00Z", not ${show(input)}`,
    })
    .refine((text) => Date.parse(text) > Date.now(), {
      error: ({ input }) => `must be in the future, not ${show(input)}`,
    })
    .optional()
    .describe('When the key expires.'),
});

export const auditQuerySchema = z.object({
  namespace: namespaceQuery,
  since: sinceSchema.optional().describe('A time, or an age such as `2h`.'),
  actor: z.string().min(1).max(256).optional(),
  cursor: z.string().max(256).optional().describe('`next_cursor` of the previous page.'),
  limit: z.number().int().min(1).max(1000).optional().describe('Default 100.'),
});
export const auditReplySchema = z.object({
  events: z.array(auditEventSchema),
  count: z.number().int(),
  next_cursor: z.string().nullable(),
});

export const createKeyReplySchema = z.object({ api_key: z.string(), ...keyRecordSchema.shape });

export const keysReplySchema = z.object({ keys: z.array(keyRecordSchema), count: z.number().int() });

export const keyPath = z.object({ id: z.string().min(1).max(128) });

export const challengeBodySchema = z.strictObject({
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

export const verifyBodySchema = z.strictObject({
  wallet: z.string().min(1).max(128),
  nonce: z.string().min(1).max(256),
  signature: z.string().min(1).max(512),
  namespace: namespaceSchema,
  chain_type: z.enum(['ETH', 'SOL']).optional(),
});

export const refreshBodySchema = z.strictObject({
  refresh_token: z.string().min(1).max(512),
  namespace: namespaceSchema.optional().describe('Namespace of the token.'),
});

export const loginReplySchema = z.object({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.number().int(),
  refresh_token: z.string(),
  subject: z.string(),
  namespace: namespaceSchema,
});

export const tokenReplySchema = loginReplySchema.omit({ refresh_token: true });

export const logoutBodySchema = z.strictObject({
  refresh_token: z.string().min(1).max(512).optional(),
  namespace: namespaceSchema.optional(),
  all: z.boolean().optional().describe("All logins of the access token's wallet."),
});

export const whoamiReplySchema = z.object({
  authenticated: z.literal(true),
  method: z.enum(['api_key', 'jwt']),
  subject: z.string(),
  wallet: z.string().describe('Empty for API keys.'),
  namespace: namespaceSchema,
  is_admin: z.boolean(),
  scopes: z.array(grantedScopeSchema),
  functions: z.array(z.string()).nullable(),
  expires_at: z.string().nullable(),
});

export const callbackSecretReplySchema = z.object({ secret: z.string() });

export const jwksReplySchema = z.object({ keys: z.array(z.record(z.string(), z.unknown())) });

export const consoleLinkReplySchema = z.object({
  token: z.string(),
  path: z.string().describe("Appended to the engine's URL, it opens the console and signs in once."),
  expires_at: z.string(),
});

export const consoleSessionBodySchema = z.strictObject({ token: z.string().min(1).max(512).optional() });
