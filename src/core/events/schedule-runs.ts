import { runsPerHourOf } from '../../contract/cron.js';
import type { TriggerSpec } from '../../contract/function.js';
import type { FunctionName, Namespace } from '../../contract/ids.js';
import { quotaExceeded } from '../../contract/quotas.js';
import type { StoredTrigger, TriggerStore } from '../../ports/store/triggers.js';

const RETRY_AFTER_SECONDS = 3600;

/**
 * Returns the maximum number of runs of a schedule per hour: minutes times seconds. 0 for a topic.
 */
function runsPerHour(spec: TriggerSpec): number {
  return 'cron' in spec ? runsPerHourOf(spec.cron) : 0;
}

/** Returns the total of all enabled schedules of a namespace. */
export function totalRunsPerHour(triggers: readonly Pick<StoredTrigger, 'spec' | 'enabled'>[]): number {
  return triggers.reduce((sum, { spec, enabled }) => sum + (enabled ? runsPerHour(spec) : 0), 0);
}

export interface AddedSchedules {
  function: FunctionName;
  /** `manifest`: the specs replace those of an earlier deploy of the function. */
  replaces: 'manifest' | 'none';
  specs: readonly TriggerSpec[];
  /**
   * Id of a paused trigger that is resumed. It already has the spec but is not counted while
   * paused.
   */
  resumes?: string;
}

/**
 * Throws `quota_exceeded` if the schedules would exceed the namespace's quota of runs. A change
 * that reduces the number of runs is always allowed.
 */
export async function assertRunsPerHour(
  triggers: TriggerStore,
  namespace: Namespace,
  limit: number,
  added: AddedSchedules,
): Promise<void> {
  if (!added.specs.some((spec) => 'cron' in spec)) return;
  const before = await triggers.list(namespace);
  const used = totalRunsPerHour(before);
  const remains = (trigger: StoredTrigger) =>
    trigger.id !== added.resumes &&
    (trigger.function !== added.function || added.replaces === 'none' || trigger.source !== 'manifest');
  const remaining = before.filter(remains);
  // A schedule that is listed again keeps its state, so that a paused one stays paused.
  const unchanged = new Set(
    before
      .filter((one) => one.function === added.function && one.id !== added.resumes)
      .filter((one) => !one.enabled || remaining.includes(one))
      .map(({ spec }) => keyOf(spec)),
  );
  const fresh = new Map(added.specs.map((spec) => [keyOf(spec), spec]));
  for (const key of unchanged) fresh.delete(key);
  const after =
    totalRunsPerHour(remaining) + [...fresh.values()].reduce((sum, spec) => sum + runsPerHour(spec), 0);
  if (after <= limit || after <= used) return;
  throw quotaExceeded('schedule_runs_per_hour', { namespace, limit, used, retryAfter: RETRY_AFTER_SECONDS });
}

/** Returns an equal key for equal schedules; no time zone means UTC. */
function keyOf(spec: TriggerSpec): string {
  return 'cron' in spec ? `cron ${spec.timezone ?? 'UTC'} ${spec.cron}` : `topic ${spec.topic}`;
}
