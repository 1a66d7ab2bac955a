import { z } from 'zod';
import { envSchema } from './function.js';
import { namespaceSchema } from './ids.js';
import { assertOrdinaryKeys } from './ordinary-keys.js';
import { parseOrRefuse } from './sentence.js';
import { fillIn, type Variables } from './variables.js';
import { readYaml } from './yaml.js';

export const PROJECT_FILE = 'orama.yaml';

export const stageNameSchema = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, {
  error: 'must be a name of letters, digits, "-" and "_", such as "production"',
});

/** A stage as it is written, variables and all. */
const writtenStageSchema = z.strictObject({
  url: z.string().min(1).optional(),
  namespace: z.string().min(1).optional(),
  env: envSchema.optional(),
  secrets_file: z.string().min(1).optional(),
});
const stageSchema = writtenStageSchema.extend({ namespace: namespaceSchema.optional() });

/** The keys of orama.yaml, as contract §12 names them. */
const projectSchema = z.strictObject({
  functions: z.array(z.string().min(1)).min(1).max(100),
  stages: z.record(stageNameSchema, writtenStageSchema).default({}),
});

/** What a stage says about the functions on it. */
export interface StageEnv {
  name: string;
  env: Readonly<Record<string, string>>;
}

/** Where a project is deployed to, and with what. */
export interface Stage extends StageEnv {
  url?: string;
  namespace?: string;
  /** Seen from the project's directory. */
  secretsFile?: string;
}

export interface ProjectFile {
  /** Patterns of directories that hold a function.yaml. */
  functions: readonly string[];
  stages: readonly string[];
  /** A stage with its variables filled in; undefined when there is none of this name. */
  stage(name: string, variables: Variables): Stage | undefined;
}

/**
 * Reads the text of orama.yaml. Throws `invalid_manifest` with one sentence on the first thing that
 * is wrong.
 */
export function parseProject(text: string): ProjectFile {
  const refusal = { where: PROJECT_FILE, code: 'invalid_manifest', keys: KEYS } as const;
  const value = readYaml(text, PROJECT_FILE);
  assertOrdinaryKeys(value, PROJECT_FILE);
  const { functions, stages } = parseOrRefuse(projectSchema, value, refusal);
  return {
    functions,
    stages: Object.keys(stages),
    stage(name, variables) {
      if (!Object.hasOwn(stages, name)) return undefined;
      // Filled in only here: the variables of one stage need not be there where another is
      // deployed.
      const filled = fillIn(stages[name], variables, `${PROJECT_FILE}: stages.${name}`);
      const { url, namespace, env, secrets_file } = parseOrRefuse(stageSchema, filled, refusal);
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
