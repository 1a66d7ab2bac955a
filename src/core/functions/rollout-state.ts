import { aliasSchema, LIVE_ALIAS } from '../../contract/alias.js';
import type { RolloutRecord, RolloutRequest } from '../../contract/rollout.js';
import type { StoredAlias } from '../../ports/store/aliases.js';
import type { StoredRollout, VersionFigures } from '../../ports/store/rollouts.js';

/** A rollout as it is to be stored. */
export type Rollout = Omit<StoredRollout, 'changeId'>;

const live = aliasSchema.parse(LIVE_ALIAS);

/** Returns why the new version is not good enough, or null if it is. */
export function failureReason(
  { max_error_percent: limit, max_p95_ms: slowest }: RolloutRequest,
  figures: VersionFigures,
) {
  const { calls, errors, p95Ms } = figures;
  const percent = (100 * errors) / calls;
  if (percent > limit) {
    return `${errors} of ${calls} calls failed (${percent.toFixed(1)} %); at most ${limit} % are allowed`;
  }
  if (slowest !== undefined && p95Ms !== null && p95Ms > slowest) {
    return `the 95th percentile is ${p95Ms.toFixed(1)} ms; at most ${slowest} ms are allowed`;
  }
  return null;
}

/** Returns the alias for the current state of the rollout. */
export function liveOf(rollout: Rollout): StoredAlias {
  const { namespace, function: fn, to, from, updatedAt } = rollout;
  const percent = percentOf(rollout);
  const weights: Record<string, number> = percent > 0 && percent < 100 ? { [to]: percent } : {};
  const version = percent === 100 ? to : from;
  return { namespace, function: fn, alias: live, version, weights, updatedAt };
}

function percentOf({ state, step, request }: Pick<StoredRollout, 'state' | 'step' | 'request'>): number {
  switch (state) {
    case 'running':
      return request.steps[step] ?? 100;
    case 'completed':
      return 100;
    case 'rolled_back':
    case 'aborted':
      return 0;
  }
}

export function recordOf(rollout: Rollout): RolloutRecord {
  const { request } = rollout;
  return {
    function: rollout.function,
    to: rollout.to,
    from: rollout.from,
    state: rollout.state,
    percent: percentOf(rollout),
    steps: request.steps,
    every_seconds: request.every_seconds,
    max_error_percent: request.max_error_percent,
    min_calls: request.min_calls,
    max_p95_ms: request.max_p95_ms ?? null,
    calls: rollout.calls,
    errors: rollout.errors,
    p95_ms: rollout.p95Ms,
    reason: rollout.reason,
    started_at: new Date(rollout.startedAt).toISOString(),
    updated_at: new Date(rollout.updatedAt).toISOString(),
  };
}
