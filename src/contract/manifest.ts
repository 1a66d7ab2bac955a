import { z } from 'zod';
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
import { type StageEnv, stageNameSchema } from './project.js';
import { parseOrRefuse } from './sentence.js';
import { readYaml } from './yaml.js';

/** The keys that a stage may set otherwise. */
const settingsShape = {
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
  trace: z.boolean().optional(),
};

/** The keys of function.yaml, as contract §1 and §12 name them. */
const manifestSchema = z.strictObject({
  name: functionNameSchema,
  ...settingsShape,
  build: z.string().min(1).max(4096).optional(),
  stages: z.record(stageNameSchema, z.strictObject(settingsShape)).optional(),
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
  /** As they are on the stage that was named. */
  settings: FunctionSettings;
  /** A command that makes function.wasm in place of the one the CLI would choose. */
  build?: string;
}

/**
 * Reads the text of function.yaml, as it is on a stage where one is named. Throws
 * `invalid_manifest` with one sentence on the first thing that is wrong.
 */
export function parseManifest(text: string, fileName = 'function.yaml', stage?: StageEnv): Manifest {
  const value = readYaml(text, fileName);
  for (const [key, inner] of Object.entries(value)) assertOrdinaryKeys(inner, `${fileName}: ${key}`);
  const written = parseOrRefuse(manifestSchema, value, {
    where: fileName,
    code: 'invalid_manifest',
    keys: KEYS,
    synonyms: SYNONYMS,
  });
  const { stages = {}, ...parsed } = written;
  const overrides = stage === undefined ? {} : (stages[stage.name] ?? {});
  const { build, name, public: isPublic, memory, timeout, ...others } = { ...parsed, ...overrides };
  const retry = { ...parsed.retry, ...overrides.retry };
  // The nearer to the function, the more it says: the stage of all, then the function's own.
  const env = { ...parsed.env, ...stage?.env, ...overrides.env };
  const { retry: _, ...rest } = { ...others, env };
  const settings = functionSettingsSchema.parse({
    name,
    is_public: isPublic,
    memory_limit_mb: memory,
    timeout_seconds: timeout,
    retry_count: retry.count,
    retry_delay_seconds: retry.delay,
    metadata: { ...rest, retry_backoff: retry.backoff },
  });
  return build === undefined ? { settings } : { settings, build };
}
