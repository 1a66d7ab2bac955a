import { setImmediate } from 'node:timers/promises';
import { FairLimiter } from '../../concurrency/fair-limiter.js';
import type { FunctionVersion } from '../../contract/function.js';
import type { FunctionName, Namespace } from '../../contract/ids.js';
import { isAppError } from '../../errors.js';
import type { Catalog } from '../functions/catalog.js';
import { topicMatches } from './topics.js';

/**
 * Time that a batch takes to look up topics before the process does other work, in milliseconds.
 */
const FREE_MS = 5;

/** Resolves with the functions that a message on a topic triggers, one per matching trigger. */
export type Listeners = (namespace: Namespace, topic: string) => Promise<FunctionVersion[]>;

/**
 * Returns a function that makes the listeners of one batch of messages, which looks up each topic
 * once and chooses a version for each message. A thousand topics may each be compared with
 * thousands of triggers, which takes seconds: such lookups run one at a time, namespaces in turn.
 */
export function createListeners(catalog: Catalog): () => Listeners {
  const turns = new FairLimiter({ each: 1, all: 1 });
  return () => {
    const known = new Map<string, Promise<FunctionName[]>>();
    let spentMs = 0;
    const lookUp = async (namespace: Namespace, topic: string): Promise<FunctionName[]> => {
      const triggers = await catalog.triggers(namespace);
      const find = () => {
        const startedAt = performance.now();
        const found = triggers.filter(
          ({ enabled, spec }) => enabled && 'topic' in spec && topicMatches(spec.topic, topic),
        );
        spentMs += performance.now() - startedAt;
        return found.map((trigger) => trigger.function);
      };
      if (spentMs < FREE_MS) return find();
      return turns.run(namespace, async () => {
        await setImmediate();
        return find();
      });
    };
    return async (namespace, topic) => {
      const key = `${namespace}/${topic}`;
      const found = known.get(key) ?? lookUp(namespace, topic);
      known.set(key, found);
      const chosen: FunctionVersion[] = [];
      for (const name of await found) {
        const fn = catalog.peek(namespace, name) ?? (await catalog.choose(namespace, name).catch(ifDeleted));
        if (fn !== null) chosen.push(fn);
      }
      return chosen;
    };
  };
}

/** Returns null if the function was deleted while its trigger was still cached. */
function ifDeleted(error: unknown): null {
  if (isAppError(error, 'function_not_found')) return null;
  throw error;
}
