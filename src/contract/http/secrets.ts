import * as z from 'zod';
import { secretRecordSchema } from '../records.js';
import { show } from '../show.js';

/** `.` and `..` are excluded, since clients resolve them in the path of a request. */
export const secretNameParam = z.string().regex(/^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,128}$/, {
  error: ({ input }) => `must be 1–128 letters, digits, "_", "." or "-", not ${show(input)}`,
});

export const secretPath = z.object({ name: secretNameParam });

// The error message never contains the value of a secret.
export const putSecretBodySchema = z.strictObject({
  name: secretNameParam,
  value: z.string({ error: 'must be a string' }),
});

export const putSecretReplySchema = z.object({ message: z.string(), name: z.string() });

export const secretsReplySchema = z.object({
  secrets: z.array(secretRecordSchema),
  count: z.number().int(),
});
