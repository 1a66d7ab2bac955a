import { z } from 'zod';
import { whole } from '../function.js';

const sqlSchema = z
  .string()
  .min(1)
  .max(1 << 20);
const argsSchema = z
  .array(z.unknown())
  .max(32_766)
  .default([])
  .describe('Values for the `?` of the statement; bytes as {"$blob": "<base64>"}.');
const rowSchema = z.record(z.string(), z.unknown());

export const sqlBodySchema = z.object({ sql: sqlSchema, args: argsSchema });
export const queryReplySchema = z.object({ items: z.array(rowSchema), count: z.number().int() });
export const execReplySchema = z.object({
  rows_affected: z.number().int(),
  last_insert_id: z.number().int().nullable(),
});

export const transactionBodySchema = z.object({
  ops: z
    .array(z.object({ kind: z.enum(['query', 'exec']), sql: sqlSchema, args: argsSchema }))
    .min(1)
    .max(1000),
  return_results: z.boolean().default(true),
});
export const transactionReplySchema = z.object({
  results: z.array(z.union([queryReplySchema, execReplySchema])),
});

export const createTableBodySchema = z.object({
  schema: sqlSchema.regex(/^\s*create\s+(temp\s+|temporary\s+)?(table|index|unique\s+index|view)\b/i, {
    error: 'must be a CREATE TABLE statement',
  }),
});
export const dropTableBodySchema = z.object({
  table: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, {
    error: ({ input }) => `must be a table's name: letters, digits and "_", not ${JSON.stringify(input)}`,
  }),
});
export const schemaReplySchema = z.object({
  tables: z.array(z.object({ name: z.string(), type: z.string(), sql: z.string().nullable() })),
  count: z.number().int(),
});

/** The map that functions see is `default`; any other is a part of the same cache with names of its own. */
const dmapSchema = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/, {
    error: ({ input }) => `must be 1–64 letters, digits, "_", "." or "-", not ${JSON.stringify(input)}`,
  })
  .default('default');
const keySchema = z.string().min(1).max(512);

export const cacheKeyBodySchema = z.object({ dmap: dmapSchema, key: keySchema });
export const cachePutBodySchema = z.object({
  dmap: dmapSchema,
  key: keySchema,
  value: z
    .unknown()
    .describe('A string is kept as its characters, any other value as it is written, to the byte.'),
  ttl: z
    .string()
    .regex(/^\d{1,9}(ms|s|m|h|d)?$/, {
      error: ({ input }) => `must be a duration such as "5m" or "30s", not ${JSON.stringify(input)}`,
    })
    .optional(),
});
export const cacheMgetBodySchema = z.object({ dmap: dmapSchema, keys: z.array(keySchema).min(1).max(1000) });
export const cacheScanBodySchema = z.object({
  dmap: dmapSchema,
  prefix: z.string().max(512).default(''),
  limit: whole(1, 10_000).default(1000),
});

export const cacheEntrySchema = z.object({ dmap: z.string(), key: z.string(), value: z.unknown() });
export const cachePutReplySchema = z.object({ status: z.literal('ok'), dmap: z.string(), key: z.string() });
export const cacheMgetReplySchema = z.object({
  dmap: z.string(),
  results: z.array(z.object({ key: z.string(), value: z.unknown() })),
  count: z.number().int(),
});
export const cacheScanReplySchema = z.object({
  dmap: z.string(),
  keys: z.array(z.string()),
  count: z.number().int(),
});
export const cacheHealthReplySchema = z.object({ status: z.literal('ok') });

const cidSchema = z.string().regex(/^[A-Za-z0-9]{1,128}$/, {
  error: ({ input }) => `must be a CID, not ${JSON.stringify(input)}`,
});
export const cidPath = z.object({ cid: cidSchema });
export const uploadReplySchema = z.object({ cid: z.string(), name: z.string(), size: z.number().int() });
export const blobStatusReplySchema = z.object({
  cid: z.string(),
  name: z.string(),
  size: z.number().int(),
  status: z.enum(['pinned', 'missing']),
  created_at: z.string(),
});
export const pinBodySchema = z.object({ cid: cidSchema });
export const pinReplySchema = z.object({ cid: z.string(), name: z.string() });
