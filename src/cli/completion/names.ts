import { functionsReplySchema } from '../../contract/http/functions.js';
import { secretsReplySchema } from '../../contract/http/secrets.js';
import { createClient } from '../client.js';
import { resolveSettings } from '../config.js';
import { findProject, openProject, stageNames } from '../project/project.js';
import type { Names } from './candidates.js';

/** Timeout of a completion, for which the user waits interactively. */
const TIMEOUT_MS = 1500;

/** Resolves names from the engine and the project; an error gives no names. */
export const knownNames: Names = async (kind) => {
  try {
    switch (kind) {
      case 'function': {
        const reply = functionsReplySchema.parse(await ask('/v1/functions'));
        return reply.functions.map(({ name }) => name);
      }
      case 'secret': {
        const reply = secretsReplySchema.parse(await ask('/v1/functions/secrets'));
        return reply.secrets.map(({ name }) => name);
      }
      case 'project-function': {
        const root = findProject(process.cwd());
        if (root === undefined) return [];
        return (await openProject(root, undefined)).functions.map(({ name }) => name);
      }
      case 'stage': {
        const root = findProject(process.cwd());
        return root === undefined ? [] : stageNames(root);
      }
    }
  } catch {
    return [];
  }
};

function ask(path: string): Promise<unknown> {
  const client = createClient(resolveSettings({}));
  return client.call('GET', path, { signal: AbortSignal.timeout(TIMEOUT_MS) });
}
