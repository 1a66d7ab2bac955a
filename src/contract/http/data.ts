import * as z from 'zod';
import { durationSchema } from '../duration.js';
import { whole } from '../function.js';
import { show } from '../show.js';

/** Time limit of what the endpoints of the database run. */
export const STATEMENT_TIMEOUT_MS = 30_000;

const sqlSchema = z
  .string()
  .min(1)
  .max(1 << 20, { abort: true });
const argsSchema = z
  .array(z.unknown())
  .max(32_766)
  .nullish()
  .transform((args) => args ?? [])
  .describe('Values for the `?` of the statement; bytes as {"$blob": "<base64>"}.');
const rowSchema = z.record(z.string(), z.unknown());

export const sqlBodySchema = z.strictObject({ sql: sqlSchema, args: argsSchema });
export const queryReplySchema = z.object({ items: z.array(rowSchema), count: z.number().int() });
export const execReplySchema = z.object({
  rows_affected: z.number().int(),
  last_insert_id: z.number().int().nullable(),
});

const operationSchema = z.strictObject({ kind: z.enum(['query', 'exec']), sql: sqlSchema, args: argsSchema });
const MAX_OPERATIONS = 1000;

export const transactionBodySchema = z
  .strictObject({
    ops: z.array(operationSchema).max(MAX_OPERATIONS).nullish(),
    statements: z
      .array(sqlSchema)
      .max(MAX_OPERATIONS)
      .nullish()
      .describe('Alternative to `ops`: write statements without arguments.'),
    return_results: z.boolean().default(true),
  })
  .transform(({ ops, statements, return_results }, { issues }) => {
    const written = statements?.map((sql) => ({ kind: 'exec' as const, sql, args: [] }));
    if ((ops?.length ? 1 : 0) + (written?.length ? 1 : 0) !== 1)
      issues.push({
        code: 'custom',
        message: 'The body must have "ops" or "statements", and one of them.',
        input: ops,
      });
    return { ops: ops?.length ? ops : (written ?? []), return_results };
  });
export const transactionReplySchema = z.object({
  results: z.array(z.union([queryReplySchema, execReplySchema])),
});

export const createTableBodySchema = z.strictObject({
  schema: sqlSchema.regex(/^\s*create\s+(temp\s+|temporary\s+)?(table|index|unique\s+index|view)\b/i, {
    error: 'must be a CREATE TABLE statement',
  }),
});
export const dropTableBodySchema = z.strictObject({
  table: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, {
    error: ({ input }) => `must be a table's name: letters, digits and "_", not ${show(input)}`,
  }),
});
export const schemaReplySchema = z.object({
  tables: z.array(z.object({ name: z.string(), type: z.string(), sql: z.string().nullable() })),
  count: z.number().int(),
});

/** Functions use the map `default`; other maps are separate key spaces in the same cache. */
const dmapSchema = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/, {
    error: ({ input }) => `must be 1–64 letters, digits, "_", "." or "-", not ${show(input)}`,
  })
  .default('default');
const MAX_PATTERN = 512;
const MAX_SCANNED = 10_000;
const keySchema = z.string().min(1).max(512);

export const cacheKeyBodySchema = z.strictObject({ dmap: dmapSchema, key: keySchema });
export const cachePutBodySchema = z.strictObject({
  dmap: dmapSchema,
  key: keySchema,
  value: z.unknown().describe('A string is stored as its text, any other value as its exact JSON text.'),
  ttl: durationSchema.optional(),
});
export const cacheMgetBodySchema = z.strictObject({
  dmap: dmapSchema,
  keys: z.array(keySchema).min(1).max(1000),
});
export const cacheScanBodySchema = z.strictObject({
  dmap: dmapSchema,
  match: z.string().max(MAX_PATTERN).optional().describe('An RE2 regular expression that the keys contain.'),
  pattern: z.string().max(MAX_PATTERN).optional().describe('The same as `match`.'),
  prefix: z.string().max(512).default(''),
  limit: whole(1, MAX_SCANNED).default(MAX_SCANNED),
});

export const cacheEntrySchema = z.object({ dmap: z.string(), key: z.string(), value: z.unknown() });
/** Response of put and delete. */
export const cacheWriteReplySchema = z.object({ status: z.literal('ok'), dmap: z.string(), key: z.string() });
export const cacheMgetReplySchema = z.object({
  dmap: z.string(),
  results: z.array(z.object({ key: z.string(), value: z.unknown() })),
  count: z.number().int(),
});
export const cacheScanReplySchema = z.object({
  dmap: z.string(),
  keys: z.array(z.string()),
  count: z.number().int(),
  truncated: z.literal(true).optional().describe('There are more keys than `limit`.'),
});
export const cacheHealthReplySchema = z.object({
  status: z.literal('ok'),
  service: z.literal('olric').describe('The service name that clients expect.'),
  driver: z.string().optional().describe('The driver, unless it is Olric.'),
});

const cidSchema = z.string().regex(/^[A-Za-z0-9]{1,128}$/, {
  error: ({ input }) => `must be a CID, not ${show(input)}`,
});
export const cidPath = z.object({ cid: cidSchema });
export const uploadReplySchema = z.object({ cid: z.string(), name: z.string(), size: z.number().int() });
export const blobStatusReplySchema = z.object({
  cid: z.string(),
  name: z.string(),
  size: z.number().int(),
  status: z.enum(['pinned', 'unpinned']).describe('`unpinned`: the store has lost the blob.'),
  replication_min: z.number().int(),
  replication_max: z.number().int(),
  replication_factor: z.number().int().describe('Number of stores that have pinned it.'),
  peers: z.array(z.string()).describe('The ID of the Kubo node, or `local`.'),
  created_at: z.string(),
});
const fileNameSchema = z.string().max(256);
export const uploadFieldsSchema = z.strictObject({
  name: fileNameSchema.optional(),
  pin: z.enum(['true', 'false']).optional().describe('Has no effect: a file stays until it is unpinned.'),
});
export const pinBodySchema = z.strictObject({
  cid: cidSchema,
  name: fileNameSchema.nullish().describe('A new name for the file.'),
});
export const pinReplySchema = z.object({ cid: z.string(), name: z.string() });
