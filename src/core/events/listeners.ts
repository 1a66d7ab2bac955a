import type { FunctionVersion } from '../../contract/function.js';
import type { FunctionName, Namespace } from '../../contract/ids.js';
import { isAppError } from '../../errors.js';
import type { Catalog } from '../functions/catalog.js';
import { topicMatches } from './topics.js';

/** Resolves with the functions that a message on a topic triggers, one per matching trigger. */
export type Listeners = (namespace: Namespace, topic: string) => Promise<FunctionVersion[]>;

/** For a batch of messages: looks up each topic once and chooses a version for each message. */
export function listenersOnce(catalog: Catalog): Listeners {
  const known = new Map<string, Promise<FunctionName[]>>();
  return async (namespace, topic) => {
    const key = `${namespace}/${topic}`;
    const found = known.get(key) ?? lookUp(catalog, namespace, topic);
    known.set(key, found);
    const chosen: FunctionVersion[] = [];
    for (const name of await found) {
      const fn = catalog.peek(namespace, name) ?? (await catalog.choose(namespace, name).catch(ifDeleted));
      if (fn !== null) chosen.push(fn);
    }
    return chosen;
  };
}

async function lookUp(catalog: Catalog, namespace: Namespace, topic: string): Promise<FunctionName[]> {
  const triggers = await catalog.triggers(namespace);
  return triggers
    .filter(({ enabled, spec }) => enabled && 'topic' in spec && topicMatches(spec.topic, topic))
    .map((trigger) => trigger.function);
}

/** Returns null if the function was deleted while its trigger was still cached. */
function ifDeleted(error: unknown): null {
  if (isAppError(error, 'function_not_found')) return null;
  throw error;
}
