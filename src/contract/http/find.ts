import * as z from 'zod';
import { show } from '../show.js';

const NAME = '[A-Za-z_][A-Za-z0-9_]{0,127}';
const COLUMN = new RegExp(`^${NAME}(\\.${NAME})?$`);
const ORDER = new RegExp(`^${NAME}(\\.${NAME})?( (ASC|DESC))?( NULLS (FIRST|LAST))?$`, 'i');
const MAX_PARTS = 1000;

const column = (input: unknown) =>
  `must be a column's name, such as "name" or "users.name", not ${show(input)}`;

const nameSchema = z.string().regex(new RegExp(`^${NAME}$`), {
  error: ({ input }) => `must be a name of letters, digits and "_", not ${show(input)}`,
});
const columnSchema = z.string().regex(COLUMN, { error: ({ input }) => column(input) });
const orderSchema = z.string().regex(ORDER, {
  error: ({ input }) => `must be a column's name, alone or as in "created_at DESC", not ${show(input)}`,
});
const expressionSchema = z
  .string()
  .min(1)
  .max(100 << 10);

/** Absent and null mean an empty list: Go clients encode an empty slice as null. */
const listOf = <S extends z.ZodType>(schema: S) =>
  z
    .array(schema)
    .max(MAX_PARTS)
    .nullish()
    .transform((list) => list ?? []);

const countSchema = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).nullish();

/** Keywords are case-insensitive. */
const keyword = <T extends string>(...words: [T, ...T[]]) => z.string().toUpperCase().pipe(z.enum(words));

const joinSchema = z.strictObject({
  kind: keyword('INNER', 'LEFT'),
  table: nameSchema,
  on: expressionSchema.describe('An SQL condition without arguments.'),
});

const conditionSchema = z.strictObject({
  conj: keyword('AND', 'OR')
    .nullish()
    .transform((word) => word ?? 'AND'),
  expr: expressionSchema.describe('An SQL condition with a `?` for each argument.'),
  args: listOf(z.unknown()),
});

/** A column and its required value; null matches rows in which the column is NULL. */
export type Criterion = [column: string, value: unknown];

/**
 * Parsed manually: zod's record drops the key `__proto__`, and a lost criterion would return rows
 * that were not requested.
 */
const criteriaSchema = z
  .transform((value: unknown, { issues }): Criterion[] => {
    const entries = typeof value === 'object' && !Array.isArray(value) ? Object.entries(value ?? {}) : null;
    if (entries === null)
      issues.push({ code: 'custom', message: 'must be a map of columns to values', input: value });
    for (const [name] of entries ?? []) {
      if (!COLUMN.test(name)) issues.push({ code: 'custom', message: column(name), input: name });
    }
    return entries ?? [];
  })
  .describe('A required value for each column; null matches rows in which the column is NULL.');

const selection = {
  select: listOf(expressionSchema).describe(
    'Columns or expressions, such as `COUNT(*) AS n`; all columns by default.',
  ),
  joins: listOf(joinSchema),
  group_by: listOf(columnSchema),
  order_by: listOf(orderSchema),
  limit: countSchema,
  offset: countSchema,
};

const optionsSchema = z.strictObject(selection);

export const findBodySchema = z.strictObject({
  table: nameSchema,
  criteria: criteriaSchema.optional(),
  options: optionsSchema
    .nullish()
    .describe('The options may also be next to `table`; those apply if there are none here.'),
  ...selection,
});
export type FindBody = z.infer<typeof findBodySchema>;

export const selectBodySchema = z.strictObject({
  table: nameSchema,
  alias: nameSchema.nullish(),
  ...selection,
  where: listOf(conditionSchema),
  one: z.boolean().default(false).describe('Returns only the first row, like find-one.'),
});
export type SelectBody = z.infer<typeof selectBodySchema>;

export const rowReplySchema = z.record(z.string(), z.unknown());
