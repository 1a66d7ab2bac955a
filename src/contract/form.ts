import * as z from 'zod';
import { AppError } from '../errors.js';
import { type FunctionSettings, functionMetadataSchema, functionSettingsSchema } from './function.js';
import { type Namespace, namespaceSchema } from './ids.js';
import { jsonDepth, MAX_JSON_DEPTH } from './json-depth.js';
import { assertOrdinaryKeys } from './ordinary-keys.js';
import { dotted, parseOrThrow } from './parse-or-throw.js';
import { shorten, show } from './show.js';
import { gitCommitSchema, type VersionOrigin, versionMessageSchema } from './version-origin.js';

/** Fields of POST /v1/functions besides `metadata` and the file. */
const FIELDS = {
  name: functionSettingsSchema.shape.name,
  namespace: namespaceSchema.optional(),
  is_public: functionSettingsSchema.shape.is_public,
  memory_limit_mb: functionSettingsSchema.shape.memory_limit_mb,
  timeout_seconds: functionSettingsSchema.shape.timeout_seconds,
  retry_count: functionSettingsSchema.shape.retry_count,
  retry_delay_seconds: functionSettingsSchema.shape.retry_delay_seconds,
  message: versionMessageSchema.optional(),
  git_commit: gitCommitSchema.optional(),
};
const formSchema = z.strictObject({ ...FIELDS, ...functionMetadataSchema.shape });

/** The corresponding names in function.yaml; `metadata` may contain a function.yaml as JSON. */
const MANIFEST_NAMES = new Map([
  ['public', 'is_public'],
  ['memory', 'memory_limit_mb'],
  ['timeout', 'timeout_seconds'],
  ['retry.count', 'retry_count'],
  ['retry.delay', 'retry_delay_seconds'],
  ['retry.backoff', 'retry_backoff'],
]);

const REFUSAL = {
  code: 'invalid_manifest',
  keys: Object.keys(formSchema.shape),
  synonyms: MANIFEST_NAMES,
} as const;

export interface DeployForm {
  settings: FunctionSettings;
  origin: VersionOrigin;
  namespace?: Namespace;
}

/**
 * Parses the form fields of a deploy. A field takes precedence over the same key in `metadata`.
 * Throws `invalid_manifest` with a message about the first error: an unknown field or key, a wrong
 * type, or a value out of range.
 */
export function parseDeployForm(fields: Readonly<Record<string, string>>): DeployForm {
  const written = readMetadata(fields.metadata);
  // Validate `metadata` separately, so that a key that a field overrides must be valid too.
  parseOrThrow(formSchema.partial(), written, { ...REFUSAL, name: (path) => nameOf(path, {}) });
  const given = new Map<string, unknown>(Object.entries(written));
  for (const [name, text] of Object.entries(fields)) {
    if (name !== 'metadata') given.set(name, readField(name, text));
  }
  const parsed = parseOrThrow(formSchema, Object.fromEntries(given), {
    ...REFUSAL,
    name: (path) => nameOf(path, fields),
  });
  const { namespace, name, is_public, memory_limit_mb, timeout_seconds, retry_count, ...others } = parsed;
  const { retry_delay_seconds, message = null, git_commit = null, ...metadata } = others;
  const limits = { memory_limit_mb, timeout_seconds, retry_count, retry_delay_seconds };
  const settings = { name, is_public, ...limits, metadata };
  const origin = { message, git_commit };
  return namespace === undefined ? { settings, origin } : { settings, origin, namespace };
}

/**
 * Returns the form fields for the settings. `parseDeployForm` parses them back to the same
 * settings.
 */
export function writeDeployForm(
  settings: FunctionSettings,
  namespace?: string,
  origin?: VersionOrigin,
): Record<string, string> {
  return {
    name: settings.name,
    ...(namespace === undefined ? {} : { namespace }),
    is_public: String(settings.is_public),
    memory_limit_mb: String(settings.memory_limit_mb),
    timeout_seconds: String(settings.timeout_seconds),
    retry_count: String(settings.retry_count),
    retry_delay_seconds: String(settings.retry_delay_seconds),
    metadata: JSON.stringify(settings.metadata),
    ...(origin?.message ? { message: origin.message } : {}),
    ...(origin?.git_commit ? { git_commit: origin.git_commit } : {}),
  };
}

function readMetadata(text: string | undefined): Record<string, unknown> {
  if (text === undefined || text.trim() === '') return {};
  if (jsonDepth(text) > MAX_JSON_DEPTH) {
    throw new AppError('invalid_manifest', `metadata is nested more than ${MAX_JSON_DEPTH} levels deep`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AppError('invalid_manifest', `metadata must be JSON, not ${show(text)}`, { cause });
  }
  if (!isMap(value))
    throw new AppError('invalid_manifest', `metadata must be a JSON object, not ${show(value)}`);
  for (const [key, inner] of Object.entries(value)) assertOrdinaryKeys(inner, `metadata.${shorten(key)}`);
  const { retry, ...rest } = value;
  if (retry !== undefined && !isMap(retry)) {
    throw new AppError('invalid_manifest', `metadata.retry must be a map, not ${show(retry)}`);
  }
  const nested = Object.entries(retry ?? {}).map(([key, inner]) => [`retry.${key}`, inner] as const);
  return Object.fromEntries(
    [...nested, ...Object.entries(rest)].map(([key, inner]) => [MANIFEST_NAMES.get(key) ?? key, inner]),
  );
}

/**
 * Parses the text of a form value. If it does not parse, the text is returned, and the schema then
 * reports it as sent.
 */
function readField(name: string, text: string): unknown {
  switch (name) {
    case 'is_public':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'memory_limit_mb':
    case 'timeout_seconds':
    case 'retry_count':
    case 'retry_delay_seconds':
      return /^-?\d+(\.\d+)?(e-?\d+)?$/.test(text) ? Number(text) : text;
    default:
      return text;
  }
}

/**
 * Returns a key as the sender wrote it: the name of a field, or a path with the prefix `metadata.`.
 */
function nameOf(path: readonly PropertyKey[], fields: Readonly<Record<string, string>>): string {
  const [first] = path;
  const own = first === undefined || first === 'name' || Object.hasOwn(fields, first);
  return dotted(own ? path : ['metadata', ...path]);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
