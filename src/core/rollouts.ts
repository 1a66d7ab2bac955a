import { aliasSchema, LIVE_ALIAS } from '../contract/alias.js';
import type { FunctionName, Namespace } from '../contract/ids.js';
import { ROLLOUT_TOPIC, type RolloutRecord, type RolloutRequest } from '../contract/rollout.js';
import { AppError, messageOf } from '../errors.js';
import { JsonText } from '../json-text.js';
import type { Logger } from '../logger.js';
import type { Closable } from '../ports/closable.js';
import type { StoredAlias } from '../ports/store/aliases.js';
import type { AuditEntry } from '../ports/store/audit.js';
import type { StoredRollout, VersionFigures } from '../ports/store/rollouts.js';
import type { Store } from '../ports/store.js';
import { auditEntry } from './audit.js';
import type { Actor } from './auth/principal.js';
import type { Catalog } from './catalog.js';
import type { Publisher } from './publish.js';

const CHECK_EVERY_MS = 1000;
/**
 * A bad version fails as soon as its share has grown: at 1,000 calls per second, each second of
 * delay costs ten times the step's percentage in failed calls.
 */
const CHECK_NEW_STEP_EVERY_MS = 200;
const NEW_STEP_MS = 5000;
const live = aliasSchema.parse(LIVE_ALIAS);

type Change = Pick<StoredRollout, 'state' | 'step' | 'reason'>;

/**
 * Moves the alias `live` to another version in steps, and back as soon as that version fails too
 * often. Rollouts are stored, and any web process advances them: the store lets only one process
 * make each change.
 */
export interface Rollouts extends Closable {
  start(by: Actor, namespace: Namespace, fn: FunctionName, request: RolloutRequest): Promise<RolloutRecord>;
  get(namespace: Namespace, fn: FunctionName): Promise<RolloutRecord>;
  /** Ends a rollout and moves all invocations back to the previous version. */
  abort(by: Actor, namespace: Namespace, fn: FunctionName): Promise<RolloutRecord>;
}

export interface RolloutsDeps {
  store: Store;
  catalog: Catalog;
  publisher: Publisher;
  logger: Logger;
}

export function createRollouts({ store, catalog, publisher, logger }: RolloutsDeps): Rollouts {
  const find = async (namespace: Namespace, fn: FunctionName): Promise<StoredRollout> => {
    const rollout = await store.rollouts.get(namespace, fn);
    if (rollout) return rollout;
    await catalog.resolve(namespace, fn);
    throw new AppError('not_found', `Function "${fn}" has had no rollout in namespace "${namespace}".`);
  };

  const figuresOf = ({ namespace, function: fn, to, stepStartedAt }: StoredRollout) =>
    store.attempts.figures({ namespace, function: fn, version: to, since: stepStartedAt });

  /** Resolves with false if another process made the change first. */
  const change = async (
    rollout: StoredRollout,
    figures: VersionFigures,
    { state, step, reason }: Change,
    audit?: AuditEntry,
  ): Promise<boolean> => {
    const now = Date.now();
    const { calls, errors, p95Ms } = figures;
    const next = { ...rollout, state, step, reason, calls, errors, p95Ms, updatedAt: now };
    if (state === 'running') next.stepStartedAt = now;
    if (!(await store.rollouts.move(rollout, next, liveOf(next), audit))) return false;
    await catalog.changed(rollout.namespace);
    if (state !== 'running') await announce(next);
    return true;
  };

  /**
   * Publishes the state to the namespace. If the queue is unreachable, the message is lost but the
   * rollout continues.
   */
  const announce = async (rollout: Omit<StoredRollout, 'changeId'>) => {
    const text = JSON.stringify(recordOf(rollout));
    const message = {
      namespace: rollout.namespace,
      topic: ROLLOUT_TOPIC,
      bytes: Buffer.from(text),
      data: new JsonText(text),
      depth: 1,
    };
    await publisher.publish(message).catch((error) => {
      const where = { namespace: rollout.namespace, function: rollout.function };
      logger.warn({ ...where, err: messageOf(error) }, 'the end of a rollout could not be published');
    });
  };

  const check = async (rollout: StoredRollout): Promise<void> => {
    const { request, step } = rollout;
    const figures = await figuresOf(rollout);
    const hasEnough = figures.calls >= request.min_calls;
    const reason = hasEnough ? failureReason(request, figures) : null;
    if (reason !== null) {
      await change(rollout, figures, { state: 'rolled_back', step, reason });
      return;
    }
    const isOver = Date.now() - rollout.stepStartedAt >= request.every_seconds * 1000;
    if (!hasEnough || !isOver) return;
    const isLast = step + 1 >= request.steps.length;
    await change(rollout, figures, { state: isLast ? 'completed' : 'running', step: step + 1, reason: null });
  };

  /** Checks all rollouts. Resolves with the delay before the next check, in milliseconds. */
  const checkAll = async (): Promise<number> => {
    try {
      const running = await store.rollouts.running();
      for (const rollout of running) await check(rollout);
      const isNew = running.some(({ stepStartedAt }) => Date.now() - stepStartedAt < NEW_STEP_MS);
      return isNew ? CHECK_NEW_STEP_EVERY_MS : CHECK_EVERY_MS;
    } catch (error) {
      logger.debug({ err: messageOf(error) }, 'rollouts could not be checked; retrying');
      return CHECK_EVERY_MS;
    }
  };
  let checking: Promise<void> | null = null;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  const checkIn = (ms: number) => {
    clearTimeout(timer);
    if (isClosed) return;
    timer = setTimeout(() => {
      checking ??= checkAll().then((next) => {
        checking = null;
        checkIn(next);
      });
    }, ms);
    timer.unref();
  };
  checkIn(CHECK_EVERY_MS);

  return {
    async start(by, namespace, fn, request) {
      const { to } = request;
      await catalog.resolve(namespace, fn, to);
      const from = await versionBefore(namespace, fn, to);
      const now = Date.now();
      const rollout = {
        ...{ namespace, function: fn, state: 'running' as const, to, from, request, step: 0 },
        ...{
          stepStartedAt: now,
          calls: 0,
          errors: 0,
          p95Ms: null,
          reason: null,
          startedAt: now,
          updatedAt: now,
        },
      };
      const audit = auditEntry(by, 'rollout.start', `${fn}@${to}`, namespace);
      if (!(await store.rollouts.start(rollout, liveOf(rollout), audit))) {
        throw new AppError('conflict', `A rollout of "${fn}" is running; abort it before you start another.`);
      }
      await catalog.changed(namespace);
      checkIn(CHECK_NEW_STEP_EVERY_MS);
      return recordOf(rollout);
    },

    async get(namespace, fn) {
      const rollout = await find(namespace, fn);
      if (rollout.state !== 'running') return recordOf(rollout);
      return recordOf({ ...rollout, ...(await figuresOf(rollout)) });
    },

    async abort(by, namespace, fn) {
      for (;;) {
        const rollout = await find(namespace, fn);
        if (rollout.state !== 'running') {
          throw new AppError(
            'conflict',
            `The rollout of "${fn}" has ended (${rollout.state}); there is none to abort.`,
          );
        }
        const aborted: Change = { state: 'aborted', step: rollout.step, reason: 'aborted by request' };
        const audit = auditEntry(by, 'rollout.abort', `${fn}@${rollout.to}`, namespace);
        if (await change(rollout, await figuresOf(rollout), aborted, audit)) {
          return recordOf(await find(namespace, fn));
        }
      }
    },

    async close() {
      isClosed = true;
      clearTimeout(timer);
      await checking;
    },
  };

  /**
   * Resolves with the version that is live now: the alias's version, or else the newest version
   * other than `to`.
   */
  async function versionBefore(namespace: Namespace, fn: FunctionName, to: number): Promise<number> {
    const alias = (await store.aliases.list(namespace)).find(
      (each) => each.function === fn && each.alias === LIVE_ALIAS,
    );
    const versions = await store.functions.versions(namespace, fn);
    const before = alias?.version ?? versions.find(({ version }) => version !== to)?.version;
    if (before !== undefined && before !== to) return before;
    throw new AppError(
      'conflict',
      before === to
        ? `Version ${to} of "${fn}" is live already; roll out another one.`
        : `"${fn}" has no other version than ${to}; a rollout needs one to come from.`,
    );
  }
}

/** Returns why the new version is not good enough, or null if it is. */
function failureReason(
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
function liveOf(rollout: Omit<StoredRollout, 'changeId'>): StoredAlias {
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

function recordOf(rollout: Omit<StoredRollout, 'changeId'>): RolloutRecord {
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
