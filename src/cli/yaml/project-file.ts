import * as z from 'zod';
import { envSchema } from '../../contract/function.js';
import { namespaceSchema } from '../../contract/ids.js';
import { assertOrdinaryKeys } from '../../contract/ordinary-keys.js';
import { parseOrThrow } from '../../contract/parse-or-throw.js';
import { readYaml } from './read-yaml.js';
import { fillIn, type Variables } from './variables.js';

export const PROJECT_FILE = 'orama.yaml';

export const stageNameSchema = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, {
  error: 'must be a name of letters, digits, "-" and "_", such as "production"',
});

/** A stage as written, before its variables are substituted. */
const writtenStageSchema = z.strictObject({
  url: z.string().min(1).optional(),
  namespace: z.string().min(1).optional(),
  env: envSchema.optional(),
  secrets_file: z.string().min(1).optional(),
});
const stageSchema = writtenStageSchema.extend({ namespace: namespaceSchema.optional() });

/** The keys of orama.yaml (contract §12). */
const projectSchema = z.strictObject({
  functions: z.array(z.string().min(1)).min(1).max(100),
  stages: z.record(stageNameSchema, writtenStageSchema).default({}),
});

/** The part of a stage that applies to functions. */
export interface StageEnv {
  name: string;
  env: Readonly<Record<string, string>>;
}

/** A deployment target of a project. */
export interface Stage extends StageEnv {
  url?: string;
  namespace?: string;
  /** Path relative to the project's directory. */
  secretsFile?: string;
}

export interface ProjectFile {
  /** Glob patterns of directories with a function.yaml. */
  functions: readonly string[];
  stages: readonly string[];
  /** Returns a stage with its variables substituted, or undefined if it does not exist. */
  stage(name: string, variables: Variables): Stage | undefined;
}

/**
 * Parses the text of an orama.yaml. Throws `invalid_manifest` with a message about the first error.
 */
export function parseProject(text: string): ProjectFile {
  const refusal = { where: PROJECT_FILE, code: 'invalid_manifest', keys: KEYS } as const;
  const value = readYaml(text, PROJECT_FILE);
  assertOrdinaryKeys(value, PROJECT_FILE);
  const { functions, stages } = parseOrThrow(projectSchema, value, refusal);
  return {
    functions,
    stages: Object.keys(stages),
    stage(name, variables) {
      if (!Object.hasOwn(stages, name)) return undefined;
      // Substituted only here, so that the variables of other stages need not be set.
      const filled = fillIn(stages[name], variables, `${PROJECT_FILE}: stages.${name}`);
      const { url, namespace, env, secrets_file } = parseOrThrow(stageSchema, filled, refusal);
      return {
        name,
        env: env ?? {},
        ...(url === undefined ? {} : { url }),
        ...(namespace === undefined ? {} : { namespace }),
        ...(secrets_file === undefined ? {} : { secretsFile: secrets_file }),
      };
    },
  };
}

const KEYS = [
  ...Object.keys(projectSchema.shape),
  ...Object.keys(stageSchema.shape).map((key) => `stages.<stage>.${key}`),
];
