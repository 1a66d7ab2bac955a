import type { FunctionSettings } from '../../contract/function.js';
import { show } from '../../contract/show.js';

/** One changed setting; `undefined` means not set. */
export interface Change {
  /** Key as in function.yaml: `memory`, `retry.count`, `env.GREETING`. */
  key: string;
  from: unknown;
  to: unknown;
}

/** Returns the differences between two settings of a function, by keys of function.yaml. */
export function changesBetween(from: FunctionSettings, to: FunctionSettings): Change[] {
  const [before, after] = [flat(asManifest(from)), flat(asManifest(to))];
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((key) => ({ key, from: before.get(key), to: after.get(key) }))
    .filter((change) => JSON.stringify(change.from) !== JSON.stringify(change.to));
}

/** Formats a change: `memory  64 → 128` */
export function describeChange({ key, from, to }: Change): string {
  if (from === undefined) return `${key}  set to ${show(to)}`;
  if (to === undefined) return `${key}  ${show(from)} is no longer set`;
  return `${key}  ${show(from)} → ${show(to)}`;
}

function asManifest({ metadata, ...settings }: FunctionSettings): object {
  const { env, retry_backoff, ...rest } = metadata;
  return {
    public: settings.is_public,
    memory: settings.memory_limit_mb,
    timeout: settings.timeout_seconds,
    retry: { count: settings.retry_count, delay: settings.retry_delay_seconds, backoff: retry_backoff },
    env,
    ...rest,
  };
}

function flat(value: object, prefix = ''): Map<string, unknown> {
  return new Map(
    Object.entries(value).flatMap(([key, inner]: [string, unknown]): [string, unknown][] => {
      if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) {
        return [...flat(inner, `${prefix}${key}.`)];
      }
      return [[`${prefix}${key}`, sorted(inner)]];
    }),
  );
}

/**
 * Sorts keys recursively, including those of objects in lists such as triggers, as key order is not
 * significant.
 */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
