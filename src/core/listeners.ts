import type { FunctionVersion } from '../contract/function.js';
import type { Namespace } from '../contract/ids.js';
import type { Catalog } from './catalog.js';
import { topicMatches } from './topics.js';

/** The functions that a message on a topic fires, one for each trigger that takes it. */
export type Listeners = (namespace: Namespace, topic: string) => Promise<FunctionVersion[]>;

/** For messages that are published together: looks a topic up once, however many of them it has. */
export function listenersOnce(catalog: Catalog): Listeners {
  const known = new Map<string, Promise<FunctionVersion[]>>();
  return (namespace, topic) => {
    const key = `${namespace}/${topic}`;
    const found = known.get(key) ?? lookUp(catalog, namespace, topic);
    known.set(key, found);
    return found;
  };
}

async function lookUp(catalog: Catalog, namespace: Namespace, topic: string): Promise<FunctionVersion[]> {
  const listeners: FunctionVersion[] = [];
  for (const trigger of await catalog.triggers(namespace)) {
    const { enabled, spec } = trigger;
    if (!enabled || !('topic' in spec) || !topicMatches(spec.topic, topic)) continue;
    const fn = await catalog.find(namespace, trigger.function);
    // Null when the function was deleted a moment ago, and the trigger with it.
    if (fn) listeners.push(fn);
  }
  return listeners;
}
