import { z } from 'zod';
import { secretRecordSchema } from '../records.js';

export const secretNameParam = z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/, {
  error: ({ input }) => `must be 1–128 letters, digits, "_", "." or "-", not ${JSON.stringify(input)}`,
});

export const secretPath = z.object({ name: secretNameParam });

// The refused value of a secret is never repeated in the refusal.
export const putSecretBodySchema = z.strictObject({
  name: secretNameParam,
  value: z.string({ error: 'must be a string' }),
});

export const putSecretReplySchema = z.object({ message: z.string(), name: z.string() });

export const secretsReplySchema = z.object({
  secrets: z.array(secretRecordSchema),
  count: z.number().int(),
});
