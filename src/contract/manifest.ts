import { parseDocument } from 'yaml';
import { z } from 'zod';
import { AppError } from '../errors.js';
import {
  allowedHostsSchema,
  backoffSchema,
  concurrencySchema,
  envSchema,
  type FunctionSettings,
  functionSettingsSchema,
  memorySchema,
  retryCountSchema,
  retryDelaySchema,
  timeoutSchema,
  topicSchema,
  triggerSpecSchema,
} from './function.js';
import { httpFunctionSchema } from './http-function.js';
import { functionNameSchema } from './ids.js';
import { assertOrdinaryKeys } from './ordinary-keys.js';
import { parseOrRefuse } from './sentence.js';

/** The keys of function.yaml, as contract §1 names them. */
const manifestSchema = z.strictObject({
  name: functionNameSchema,
  public: z.boolean().optional(),
  memory: memorySchema.optional(),
  timeout: timeoutSchema.optional(),
  retry: z
    .strictObject({
      count: retryCountSchema.optional(),
      delay: retryDelaySchema.optional(),
      backoff: backoffSchema.optional(),
    })
    .optional(),
  env: envSchema.optional(),
  triggers: z.array(triggerSpecSchema).max(100).optional(),
  on_success: topicSchema.optional(),
  on_failure: topicSchema.optional(),
  concurrency: concurrencySchema.optional(),
  allowed_hosts: allowedHostsSchema.optional(),
  http: httpFunctionSchema.optional(),
  build: z.string().min(1).max(4096).optional(),
});

/** The API's names for keys of function.yaml, which people try here too. */
const SYNONYMS = new Map([
  ['is_public', 'public'],
  ['memory_limit_mb', 'memory'],
  ['memory_mb', 'memory'],
  ['timeout_seconds', 'timeout'],
  ['retries', 'retry.count'],
  ['retry_count', 'retry.count'],
  ['retry_delay', 'retry.delay'],
  ['retry_delay_seconds', 'retry.delay'],
  ['retry_backoff', 'retry.backoff'],
  ['environment', 'env'],
  ['topics', 'triggers'],
  ['trigger', 'triggers'],
]);

/** Every key as it is written in a sentence. */
const KEYS = Object.keys(manifestSchema.shape).flatMap((key) =>
  key === 'retry' ? ['retry.count', 'retry.delay', 'retry.backoff'] : [key],
);

export interface Manifest {
  settings: FunctionSettings;
  /** A command that makes function.wasm in place of the one the CLI would choose. */
  build?: string;
}

/** Reads the text of function.yaml. Throws `invalid_manifest` with one sentence on the first thing that is wrong. */
export function parseManifest(text: string, fileName = 'function.yaml'): Manifest {
  const value = readYaml(text, fileName);
  for (const [key, inner] of Object.entries(value)) assertOrdinaryKeys(inner, `${fileName}: ${key}`);
  const parsed = parseOrRefuse(manifestSchema, value, {
    where: fileName,
    code: 'invalid_manifest',
    keys: KEYS,
    synonyms: SYNONYMS,
  });
  const { build, name, public: isPublic, memory, timeout, retry, ...rest } = parsed;
  const settings = functionSettingsSchema.parse({
    name,
    is_public: isPublic,
    memory_limit_mb: memory,
    timeout_seconds: timeout,
    retry_count: retry?.count,
    retry_delay_seconds: retry?.delay,
    metadata: { ...rest, retry_backoff: retry?.backoff },
  });
  return build === undefined ? { settings } : { settings, build };
}

function readYaml(text: string, fileName: string): object {
  const document = parseDocument(text, { prettyErrors: true, logLevel: 'silent' });
  const fault = document.errors[0];
  if (fault !== undefined) {
    const what = fault.message.split('\n', 1)[0]?.replace(/:$/, '') ?? 'syntax error';
    throw new AppError('invalid_manifest', `${fileName} is not valid YAML: ${what}`, { cause: fault });
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new AppError('invalid_manifest', `${fileName} is not valid YAML: too many aliases`, { cause });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new AppError('invalid_manifest', `${fileName} must be a map of keys, such as "name: my-function"`);
  }
  return value;
}
