import { runsPerHourOf } from '../contract/cron.js';
import type { TriggerSpec } from '../contract/function.js';
import type { FunctionName, Namespace } from '../contract/ids.js';
import { quotaExceeded } from '../contract/quotas.js';
import type { StoredTrigger, TriggerStore } from '../ports/store/triggers.js';

const RETRY_AFTER_SECONDS = 3600;

/**
 * Runs of a schedule in the busiest hour that it can have: its minutes times its seconds. 0 for a
 * topic.
 */
export function runsPerHour(spec: TriggerSpec): number {
  return 'cron' in spec ? runsPerHourOf(spec.cron) : 0;
}

/** Of all schedules of a namespace that can fire. */
export function totalRunsPerHour(triggers: readonly Pick<StoredTrigger, 'spec' | 'enabled'>[]): number {
  return triggers.reduce((sum, { spec, enabled }) => sum + (enabled ? runsPerHour(spec) : 0), 0);
}

export interface AddedSchedules {
  function: FunctionName;
  /** `manifest`: the specs come in place of those that an earlier deploy of the function listed. */
  replaces: 'manifest' | 'none';
  specs: readonly TriggerSpec[];
  /** The paused trigger that is resumed: it has its spec already, and does not count yet. */
  resumes?: string;
}

/**
 * Refuses schedules that would have the namespace run more often than its quota; fewer runs than
 * before are always allowed.
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
  const isKept = (trigger: StoredTrigger) =>
    trigger.id !== added.resumes &&
    (trigger.function !== added.function || added.replaces === 'none' || trigger.source !== 'manifest');
  const kept = before.filter(isKept);
  const held = new Set(kept.filter((one) => one.function === added.function).map(({ spec }) => keyOf(spec)));
  const fresh = new Map(added.specs.map((spec) => [keyOf(spec), spec]));
  for (const key of held) fresh.delete(key);
  const after =
    totalRunsPerHour(kept) + [...fresh.values()].reduce((sum, spec) => sum + runsPerHour(spec), 0);
  if (after <= limit || after <= used) return;
  throw quotaExceeded('schedule_runs_per_hour', { namespace, limit, used, retryAfter: RETRY_AFTER_SECONDS });
}

/** The same for the same schedule: one without a time zone is one in UTC. */
function keyOf(spec: TriggerSpec): string {
  return 'cron' in spec ? `cron ${spec.timezone ?? 'UTC'} ${spec.cron}` : `topic ${spec.topic}`;
}
