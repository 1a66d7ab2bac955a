import type { z } from 'zod';
import { AppError, type ErrorCode } from '../errors.js';
import { suggest } from '../suggest.js';
import { show } from './show.js';

export interface ParseOptions {
  /** Prefix of the message, such as `function.yaml`. */
  where?: string;
  code: ErrorCode;
  /** Known keys as they appear in messages, for suggestions. */
  keys?: readonly string[];
  /** Other names of keys, such as `memory_limit_mb` → `memory`. */
  synonyms?: ReadonlyMap<string, string>;
  /** Formats a path; by default `retry.count`, `triggers[0].topic`. */
  name?: (path: readonly PropertyKey[]) => string;
}

/**
 * Parses the value. Throws an error whose message is one sentence with the key, the value and what
 * is allowed.
 */
export function parseOrThrow<S extends z.ZodType>(
  schema: S,
  value: unknown,
  options: ParseOptions,
): z.output<S> {
  const result = schema.safeParse(value, { error: predicate });
  if (result.success) return result.data;
  const where = options.where === undefined ? '' : `${options.where}: `;
  throw new AppError(options.code, where + sentence(result.error.issues, options), { cause: result.error });
}

function sentence(issues: readonly z.core.$ZodIssue[], options: ParseOptions): string {
  const issue = issues[0];
  if (issue === undefined) return 'is not valid';
  const nested = issue.code === 'invalid_union' ? intendedBranch(issue.errors) : undefined;
  if (nested !== undefined) {
    return sentence(
      nested.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })),
      options,
    );
  }
  const name = (options.name ?? dotted)(issue.path);
  if (issue.code === 'unrecognized_keys') return unknownKey(issue, name, options);
  return name === '' ? issue.message : `${name} ${issue.message}`;
}

/**
 * Returns the issues of the union branch that the value was probably meant for: the one whose
 * required keys are all present.
 */
function intendedBranch(
  branches: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] | undefined {
  return branches.find(
    (issues) => !issues.some((issue) => issue.message === MISSING || issue.path.length === 0),
  );
}

function unknownKey(issue: z.core.$ZodIssueUnrecognizedKeys, parent: string, options: ParseOptions): string {
  const key = issue.keys[0] ?? '';
  const full = parent === '' ? key : `${parent}.${key}`;
  const known = options.keys ?? [];
  const near = options.synonyms?.get(full) ?? suggest(full, known);
  if (near !== undefined) return `unknown key ${show(full)}; did you mean ${show(near)}?`;
  return `unknown key ${show(full)}${known.length > 0 ? `; the keys are ${known.join(', ')}` : ''}`;
}

/** Formats a path as `retry.count` or `triggers[0].topic`. */
export function dotted(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

const MISSING = 'is required';
const TYPES: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

/** Translates a zod issue to the end of a sentence that begins with the key. */
function predicate(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return MISSING;
      return `must be ${TYPES[issue.expected] ?? issue.expected}, not ${show(issue.input)}`;
    case 'invalid_value':
      if (issue.input === undefined) return MISSING;
      return `must be ${issue.values.map(show).join(' or ')}, not ${show(issue.input)}`;
    case 'too_big':
      return `must be ${atMost(issue.origin, issue.maximum)}, not ${size(issue.input)}`;
    case 'too_small':
      return `must be ${atLeast(issue.origin, issue.minimum)}, not ${size(issue.input)}`;
    default:
      return `is not valid: ${show(issue.input)}`;
  }
}

function atMost(origin: string, maximum: number | bigint): string {
  if (origin === 'string') return `at most ${maximum} characters long`;
  if (origin === 'array' || origin === 'record') return `at most ${maximum} entries`;
  return `at most ${maximum}`;
}

function atLeast(origin: string, minimum: number | bigint): string {
  if (origin === 'string')
    return minimum === 1 ? 'a string that is not empty' : `at least ${minimum} characters long`;
  if (origin === 'array' || origin === 'record') return `at least ${minimum} entries`;
  return `at least ${minimum}`;
}

function size(value: unknown): string {
  if (typeof value === 'string' && value.length > 0) return String(value.length);
  if (Array.isArray(value)) return String(value.length);
  return show(value);
}
