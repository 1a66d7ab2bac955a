import * as z from 'zod';
import {
  backoffSchema,
  envSchema,
  type FunctionSettings,
  functionSettingsSchema,
  memorySchema,
  retryCountSchema,
  retryDelaySchema,
  sameInFunctionYaml,
  timeoutSchema,
  triggerSpecSchema,
} from '../../contract/function.js';
import { functionNameSchema } from '../../contract/ids.js';
import { assertOrdinaryKeys } from '../../contract/ordinary-keys.js';
import { parseOrThrow } from '../../contract/parse-or-throw.js';
import { AppError } from '../../errors.js';
import { type StageEnv, stageNameSchema } from './project-file.js';
import { readYaml } from './read-yaml.js';

/** The keys that a stage may override. */
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
  ...sameInFunctionYaml,
};

/** The keys of function.yaml (contract §1 and §12). */
const manifestSchema = z.strictObject({
  name: functionNameSchema,
  ...settingsShape,
  build: z.string().min(1).max(4096).optional(),
  stages: z.record(stageNameSchema, z.strictObject(settingsShape)).optional(),
});

/** API names of keys, which users also try in function.yaml. */
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

const MAPS = new Set(['retry', 'env', 'http', 'stages']);

/** Every key as it appears in messages. */
const KEYS = Object.keys(manifestSchema.shape).flatMap((key) =>
  key === 'retry' ? ['retry.count', 'retry.delay', 'retry.backoff'] : [key],
);

export interface Manifest {
  /** The settings for the selected stage. */
  settings: FunctionSettings;
  /** Command that builds function.wasm, instead of the toolchain that the CLI would select. */
  build?: string;
}

/**
 * Parses the text of a function.yaml, with the values of a stage if one is given. Throws
 * `invalid_manifest` with a message about the first error.
 */
export function parseManifest(text: string, fileName = 'function.yaml', stage?: StageEnv): Manifest {
  const value = readYaml(text, fileName);
  for (const [key, inner] of Object.entries(value)) {
    assertOrdinaryKeys(inner, `${fileName}: ${key}`);
    if (inner === null && MAPS.has(key)) {
      const sentence = `${fileName}: ${key} has no value; write {} or indent its keys below it`;
      throw new AppError('invalid_manifest', sentence);
    }
  }
  const written = parseOrThrow(manifestSchema, value, {
    where: fileName,
    code: 'invalid_manifest',
    keys: KEYS,
    synonyms: SYNONYMS,
  });
  const { stages = {}, ...parsed } = written;
  const overrides = stage === undefined ? {} : (stages[stage.name] ?? {});
  const { build, name, public: isPublic, memory, timeout, ...others } = { ...parsed, ...overrides };
  const retry = { ...parsed.retry, ...overrides.retry };
  // Precedence: the function's env, the stage's env for all functions, the function's env for the
  // stage.
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
