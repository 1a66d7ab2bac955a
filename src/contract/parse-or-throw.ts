import * as z from 'zod';
import { AppError, type ErrorCode } from '../errors.js';
import { suggest } from '../suggest.js';
import { shorten, show } from './show.js';

export interface ParseOptions {
  /** Prefix of the message, such as `function.yaml`. */
  where?: string;
  code: ErrorCode;
  /** Keys at the top level as they appear in messages, if they are not those of the schema. */
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
  // A missing key is often there under a wrong name.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (issue === undefined) return 'is not valid';
  const nested = issue.code === 'invalid_union' ? intendedBranch(issue.errors) : undefined;
  if (nested !== undefined) {
    return sentence(
      nested.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })),
      options,
    );
  }
  if (issue.code === 'invalid_key') {
    return sentence(
      issue.issues.map((inner) => ({ ...inner, path: issue.path })),
      options,
    );
  }
  const name = (options.name ?? dotted)(issue.path);
  if (issue.code === 'unrecognized_keys') return unknownKey(issue, name, options);
  if (name !== '') return `${name} ${issue.message}`;
  // The error of a union is one of its schema, which may be a sentence of its own.
  const isPredicate =
    issue.code === 'invalid_type' || (issue.code === 'invalid_union' && issue.message.startsWith('must '));
  const isWholeValue = isPredicate && options.where === undefined;
  return isWholeValue ? `The value ${issue.message}` : issue.message;
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
  const known =
    issue.path.length === 0 && options.keys !== undefined
      ? options.keys
      : issue.message.split(KEYS_SEPARATOR);
  const inFull = (one: string) => (parent === '' ? one : `${parent}.${one}`);
  const meant = suggest(key, known);
  const near = options.synonyms?.get(full) ?? (meant === undefined ? undefined : inFull(meant));
  if (near !== undefined) return `unknown key ${show(full)}; did you mean ${show(near)}?`;
  return `unknown key ${show(full)}; the keys are ${known.map(inFull).join(', ')}`;
}

/** Formats a path as `retry.count` or `triggers[0].topic`; the keys in it may be of any length. */
export function dotted(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const key = shorten(String(part));
    return text === '' ? key : `${text}.${key}`;
  }, '');
}

const KEYS_SEPARATOR = ', ';

/**
 * Returns the keys of the object that has an unknown one. zod's issue names only the unknown ones.
 */
function keysOf({ inst }: z.core.$ZodRawIssue): string {
  if (inst instanceof z.ZodObject) return Object.keys(inst.shape).join(KEYS_SEPARATOR);
  if (inst instanceof z.ZodRecord) {
    return [...(inst.keyType._zod.values ?? [])].map(String).join(KEYS_SEPARATOR);
  }
  return '';
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
    case 'unrecognized_keys':
      return keysOf(issue);
    case 'too_big':
      return `must ${atMost(issue.origin, issue.maximum)}, not ${size(issue.input)}`;
    case 'too_small':
      return `must ${atLeast(issue.origin, issue.minimum)}, not ${size(issue.input)}`;
    default:
      return `is not valid: ${show(issue.input)}`;
  }
}

function atMost(origin: string, maximum: number | bigint): string {
  if (origin === 'string') return `be at most ${maximum} characters long`;
  if (origin === 'array' || origin === 'record') return `have at most ${entries(maximum)}`;
  return `be at most ${maximum}`;
}

function atLeast(origin: string, minimum: number | bigint): string {
  if (origin === 'string')
    return minimum === 1 ? 'be a string that is not empty' : `be at least ${minimum} characters long`;
  if (origin === 'array' || origin === 'record') return `have at least ${entries(minimum)}`;
  return `be at least ${minimum}`;
}

function entries(count: number | bigint): string {
  return Number(count) === 1 ? '1 entry' : `${count} entries`;
}

function size(value: unknown): string {
  if (typeof value === 'string' && value.length > 0) return String(value.length);
  if (Array.isArray(value)) return String(value.length);
  return show(value);
}
