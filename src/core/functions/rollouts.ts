import type { FunctionName, Namespace } from '../../contract/ids.js';
import { ROLLOUT_TOPIC, type RolloutRecord, type RolloutRequest } from '../../contract/rollout.js';
import { AppError, messageOf } from '../../errors.js';
import { JsonText } from '../../json/json-text.js';
import type { Logger } from '../../logger.js';
import type { Closable } from '../../ports/closable.js';
import type { AuditEntry } from '../../ports/store/audit.js';
import type { StoredRollout, VersionFigures } from '../../ports/store/rollouts.js';
import type { Store } from '../../ports/store.js';
import { auditEntry } from '../auth/audit.js';
import type { Actor } from '../auth/principal.js';
import { FIRST_DEPTH } from '../events/message.js';
import type { Publisher } from '../events/publish.js';
import type { Catalog } from './catalog.js';
import { changedMeanwhile, versionBefore } from './rollout-start.js';
import { failureReason, liveOf, type Rollout, recordOf } from './rollout-state.js';
import { assertAddressesReached, routesOf } from './route-rights.js';

const CHECK_EVERY_MS = 1000;
/**
 * A bad version fails as soon as its share has grown: at 1,000 calls per second, each second of
 * delay costs ten times the step's percentage in failed calls.
 */
const CHECK_NEW_STEP_EVERY_MS = 200;
const NEW_STEP_MS = 5000;
/** More than the clocks of two processes may differ, in milliseconds. */
const SKEW_MS = 10_000;
/**
 * After this time, the end of a rollout is published by any process, as the one that ended it may
 * have been killed. Longer than a publish takes, and than clocks may differ.
 */
const ANNOUNCE_AGAIN_MS = 30_000;

type RolloutChange = Pick<StoredRollout, 'state' | 'step' | 'reason'> & {
  /** Depth of the message with the end. */
  depth?: number;
};

export interface RolloutsDeps {
  store: Store;
  catalog: Catalog;
  publisher: Pick<Publisher, 'publish'>;
  logger: Logger;
  announceAgainMs?: number;
}

/**
 * Moves the alias `live` to another version in steps, and back as soon as that version fails too
 * often. Rollouts are stored, and any web process advances them: the store lets only one process
 * make each change.
 */
export class Rollouts implements Closable {
  readonly #store: Store;
  readonly #catalog: Catalog;
  readonly #publisher: Pick<Publisher, 'publish'>;
  readonly #logger: Logger;
  readonly #announceAgainMs: number;
  #announcedAt = Number.NEGATIVE_INFINITY;
  #checking: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  /** Whether a rollout has a new step, also one that the check under way has not read. */
  #hasNewStep = false;
  #isClosed = false;

  constructor({ store, catalog, publisher, logger, announceAgainMs = ANNOUNCE_AGAIN_MS }: RolloutsDeps) {
    this.#store = store;
    this.#catalog = catalog;
    this.#publisher = publisher;
    this.#logger = logger;
    this.#announceAgainMs = announceAgainMs;
    this.#checkIn(CHECK_EVERY_MS);
  }

  async start(
    by: Actor,
    namespace: Namespace,
    fn: FunctionName,
    request: RolloutRequest,
  ): Promise<RolloutRecord> {
    const { to } = request;
    const version = await this.#catalog.resolve(namespace, fn, to);
    await assertAddressesReached(this.#catalog, namespace, by.principal.rights, routesOf(version));
    const { from, createdLive, before } = await versionBefore(this.#store, namespace, fn, to);
    const now = Date.now();
    const rollout: Rollout = {
      namespace,
      function: fn,
      state: 'running',
      to,
      from,
      createdLive,
      request,
      step: 0,
      stepStartedAt: now,
      calls: 0,
      errors: 0,
      p95Ms: null,
      reason: null,
      startedAt: now,
      updatedAt: now,
    };
    const audit = auditEntry(by, 'rollout.start', `${fn}@${to}`, namespace);
    const live = { before, after: liveOf(rollout) };
    const result = await this.#store.rollouts.start(rollout, live, audit);
    if (result === 'changed') throw await changedMeanwhile(this.#store, { ...live.after, version: to });
    if (result === 'running') {
      throw new AppError('conflict', `A rollout of "${fn}" is running; abort it before you start another.`);
    }
    await this.#catalog.changed(namespace);
    this.#hasNewStep = true;
    this.#checkIn(CHECK_NEW_STEP_EVERY_MS);
    return recordOf(rollout);
  }

  async get(namespace: Namespace, fn: FunctionName): Promise<RolloutRecord> {
    const rollout = await this.#find(namespace, fn);
    if (rollout.state !== 'running') return recordOf(rollout);
    return recordOf({ ...rollout, ...(await this.#figuresOf(rollout)) });
  }

  /**
   * Ends a rollout and moves all invocations back to the previous version. `depth` is that of the
   * message with the end: a function may start and abort rollouts when one has ended.
   */
  async abort(by: Actor, namespace: Namespace, fn: FunctionName, depth: number): Promise<RolloutRecord> {
    for (;;) {
      const rollout = await this.#find(namespace, fn);
      if (rollout.state !== 'running') {
        throw new AppError(
          'conflict',
          `The rollout of "${fn}" has ended (${rollout.state}); there is none to abort.`,
        );
      }
      const reason = 'aborted by request';
      const aborted: RolloutChange = { state: 'aborted', step: rollout.step, reason, depth };
      const audit = auditEntry(by, 'rollout.abort', `${fn}@${rollout.to}`, namespace);
      if (await this.#change(rollout, await this.#figuresOf(rollout), aborted, audit)) {
        return recordOf(await this.#find(namespace, fn));
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#checking;
  }

  async #find(namespace: Namespace, fn: FunctionName): Promise<StoredRollout> {
    const rollout = await this.#store.rollouts.get(namespace, fn);
    if (rollout) return rollout;
    await this.#catalog.resolve(namespace, fn);
    throw new AppError('not_found', `Function "${fn}" has had no rollout in namespace "${namespace}".`);
  }

  #figuresOf({ namespace, function: fn, to, stepStartedAt }: StoredRollout): Promise<VersionFigures> {
    return this.#store.attempts.figures({ namespace, function: fn, version: to, since: stepStartedAt });
  }

  #checkIn(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#checking ??= this.#checkAll().then(() => {
        this.#checking = null;
        this.#checkIn(this.#hasNewStep ? CHECK_NEW_STEP_EVERY_MS : CHECK_EVERY_MS);
      });
    }, ms);
    this.#timer.unref();
  }

  async #checkAll(): Promise<void> {
    this.#hasNewStep = false;
    try {
      const running = await this.#store.rollouts.running();
      this.#hasNewStep ||= running.some(({ stepStartedAt }) => Date.now() - stepStartedAt < NEW_STEP_MS);
      for (const rollout of running) await this.#tryCheck(rollout);
      await this.#announceLeft();
    } catch (error) {
      this.#logger.debug({ err: messageOf(error) }, 'rollouts could not be checked; retrying');
    }
  }

  /** Checks a rollout. A failure must not keep the rollouts behind it from going back. */
  async #tryCheck(rollout: StoredRollout): Promise<void> {
    try {
      await this.#check(rollout);
    } catch (error) {
      const where = { namespace: rollout.namespace, function: rollout.function };
      this.#logger.warn({ ...where, err: messageOf(error) }, 'a rollout could not be checked; retrying');
    }
  }

  async #check(rollout: StoredRollout): Promise<void> {
    const { request, step } = rollout;
    const figures = await this.#figuresOf(rollout);
    const hasEnough = figures.calls >= request.min_calls;
    const reason = hasEnough ? failureReason(request, figures) : null;
    if (reason !== null) {
      await this.#change(rollout, figures, { state: 'rolled_back', step, reason }, null);
      return;
    }
    const elapsed = Date.now() - rollout.stepStartedAt;
    if (elapsed < -SKEW_MS) {
      // The clock was set back, and no call would count until it reaches the beginning of the step.
      await this.#change(rollout, figures, { state: 'running', step, reason: null }, null);
      return;
    }
    const isOver = elapsed >= request.every_seconds * 1000;
    if (!hasEnough || !isOver) return;
    const isLast = step + 1 >= request.steps.length;
    const state = isLast ? 'completed' : 'running';
    await this.#change(rollout, figures, { state, step: step + 1, reason: null }, null);
  }

  /** Resolves with false if another process made the change first. */
  async #change(
    rollout: StoredRollout,
    figures: VersionFigures,
    { state, step, reason, depth }: RolloutChange,
    audit: AuditEntry | null,
  ): Promise<boolean> {
    const now = Date.now();
    const { calls, errors, p95Ms } = figures;
    const next = { ...rollout, state, step, reason, calls, errors, p95Ms, updatedAt: now };
    if (state === 'running') next.stepStartedAt = now;
    if (!(await this.#store.rollouts.move(rollout, next, liveOf(next), audit))) return false;
    if (state === 'running') this.#hasNewStep = true;
    await this.#catalog.changed(rollout.namespace);
    if (state !== 'running') await this.#announce(next, depth);
    return true;
  }

  /** Publishes the ends that the processes which made them have not published. */
  async #announceLeft(): Promise<void> {
    if (performance.now() - this.#announcedAt < this.#announceAgainMs) return;
    this.#announcedAt = performance.now();
    for (const ended of await this.#store.rollouts.unannounced()) {
      // In the future, if the clock was set back.
      if (Math.abs(Date.now() - ended.updatedAt) > this.#announceAgainMs) await this.#announce(ended);
    }
  }

  /**
   * Publishes the end of a rollout to the namespace. If the queue is unreachable, it is published
   * later: the change itself must not wait.
   */
  async #announce(rollout: Rollout, depth = FIRST_DEPTH): Promise<void> {
    const text = JSON.stringify(recordOf(rollout));
    const message = {
      namespace: rollout.namespace,
      topic: ROLLOUT_TOPIC,
      bytes: Buffer.from(text),
      data: new JsonText(text),
      depth,
    };
    try {
      await this.#publisher.publish(message);
      await this.#store.rollouts.announced(rollout);
    } catch (error) {
      const where = { namespace: rollout.namespace, function: rollout.function };
      const fields = { ...where, err: messageOf(error) };
      this.#logger.warn(fields, 'the end of a rollout could not be published; retrying');
    }
  }
}
