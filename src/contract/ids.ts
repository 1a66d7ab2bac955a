import * as z from 'zod';
import { show } from './show.js';

/** Names that appear in URLs and file names: the same rule for functions and namespaces. */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
/** A number is one of YAML, or of JSON, without quotes. */
const notName = (issue: { input?: unknown }) =>
  `must be 1–64 letters, digits, "-" or "_", not ${show(issue.input)}${typeof issue.input === 'number' ? '; put it in quotes' : ''}`;

export const namespaceSchema = z.string().regex(NAME, { error: notName }).brand<'Namespace'>();
export type Namespace = z.infer<typeof namespaceSchema>;

export const functionNameSchema = z
  .string({ error: (issue) => (typeof issue.input === 'number' ? notName(issue) : undefined) })
  .regex(NAME, { error: notName })
  .refine((name) => name !== 'secrets', 'may not be "secrets", which is reserved')
  .brand<'FunctionName'>();
export type FunctionName = z.infer<typeof functionNameSchema>;

/** A UUIDv7, so that ids sort by the time at which invocations were accepted. */
export const requestIdSchema = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, {
    error: ({ input }) => `must be a UUID in lower case, not ${show(input)}`,
  })
  .brand<'RequestId'>();
export type RequestId = z.infer<typeof requestIdSchema>;

/** An API key: `ak_<random>:<namespace>`. */
export const API_KEY = /^ak_[A-Za-z0-9_-]{16,128}:[A-Za-z0-9_-]{1,64}$/;

export const DEFAULT_NAMESPACE = namespaceSchema.parse('default');
