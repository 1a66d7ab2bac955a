import * as z from 'zod';
import { whole } from './function.js';
import { show } from './show.js';

/** The alias that invocations without a version use, if the function has it. */
export const LIVE_ALIAS = 'live';

/** Begins with a letter, so that an alias is distinct from a version number. */
const ALIAS = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

export const aliasSchema = z
  .string()
  .regex(ALIAS, {
    error: (issue) =>
      `must be 1–64 letters, digits, "-" or "_" that begin with a letter, not ${show(issue.input)}`,
  })
  .refine((name) => name !== 'newest', 'may not be "newest", which is reserved')
  .brand<'Alias'>();
export type Alias = z.infer<typeof aliasSchema>;

/** What follows the `@` in a reference: a version number or an alias. */
export type VersionRef = number | Alias;

/** The largest version number. */
export const MAX_VERSION = 999_999_999;
export const versionNumberSchema = whole(1, MAX_VERSION);

/** Percentage of each additional version; the rest goes to the alias's own version. */
const weightsSchema = z
  .record(
    z.string().regex(/^[1-9][0-9]{0,8}$/, {
      error: (issue) => `must be named by a version number, not ${show(issue.input)}`,
    }),
    whole(1, 100, ' percent'),
  )
  .refine((weights) => Object.values(weights).reduce((sum, share) => sum + share, 0) <= 100, {
    error: 'may not add up to more than 100 percent',
  })
  .refine((weights) => Object.keys(weights).length <= 10, { error: 'may name at most 10 versions' });

/** What an alias refers to: a version, or a split across several. */
export const aliasTargetSchema = z.strictObject({
  version: versionNumberSchema,
  weights: weightsSchema.optional(),
});
export type AliasTarget = z.infer<typeof aliasTargetSchema>;

export const aliasRecordSchema = z.object({
  alias: aliasSchema,
  function: z.string(),
  version: versionNumberSchema,
  weights: z.record(z.string(), z.number()),
  updated_at: z.string(),
});
export type AliasRecord = z.infer<typeof aliasRecordSchema>;
