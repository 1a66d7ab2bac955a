import { setTimeout as sleep } from 'node:timers/promises';
import { nextRunAfter } from '../../contract/cron.js';
import type { TriggerSpec } from '../../contract/function.js';
import { type Namespace, type RequestId, requestIdSchema } from '../../contract/ids.js';
import { AppError } from '../../errors.js';
import type { Closable } from '../../ports/closable.js';
import type { Lease, Leases } from '../../ports/leases.js';
import type { Meter } from '../../ports/meter.js';
import type { InvocationQueue } from '../../ports/queue.js';
import { type StoredTrigger, triggerScope } from '../../ports/store/triggers.js';
import type { Store } from '../../ports/store.js';
import type { Catalog } from '../functions/catalog.js';
import { createDerivedIds, type DerivedIds } from '../invocations/derived-ids.js';
import { jobOf, newRequestId } from '../invocations/job.js';
import { FIRST_DEPTH } from './message.js';

export const DEFAULT_TIMEZONE = 'UTC';

/** A tick that is later than this was missed because no process was running. */
const MISSED_AFTER_MS = 60_000;
/** How often schedules that were lost from the queue are restored, in milliseconds. */
const RESTORE_MS = 60_000;
/**
 * Setting with the ids of the last runs of a schedule with `overlap: skip`, separated by commas: a
 * run that a person starts does not end the one before it.
 */
const LAST_RUNS = 'last_run';
/** Maximum number of these ids; of more active runs, the oldest are forgotten. */
const MAX_LAST_RUNS = 16;
/** Interval at which a run that waits for the turn of its schedule tries again, in milliseconds. */
const TURN_POLL_MS = 100;
/**
 * How long a run that a person starts waits for the turn, in milliseconds: as long as the lease of
 * a process that was killed may last.
 */
const TURN_MS = 15_000;

type CronTrigger = StoredTrigger & { spec: Extract<TriggerSpec, { cron: string }> };

export interface SchedulesDeps {
  store: Store;
  queue: InvocationQueue;
  leases: Leases;
  catalog: Catalog;
  meter: Meter;
  resultTtlMs: number;
  restoreMs?: number;
}

/**
 * Schedules: synchronizes the queue's schedulers with the triggers in the store, and converts ticks
 * to invocations.
 */
export class Schedules {
  readonly #store: Store;
  readonly #queue: InvocationQueue;
  readonly #leases: Leases;
  readonly #catalog: Catalog;
  readonly #meter: Meter;
  readonly #resultTtlMs: number;
  readonly #restoreMs: number;
  readonly #idOf: DerivedIds;
  /** The schedules of which a tick waits for its turn. */
  readonly #waiting = new Set<string>();

  constructor(deps: SchedulesDeps) {
    const { store, queue, leases, catalog, meter, resultTtlMs, restoreMs = RESTORE_MS } = deps;
    this.#store = store;
    this.#queue = queue;
    this.#leases = leases;
    this.#catalog = catalog;
    this.#meter = meter;
    this.#resultTtlMs = resultTtlMs;
    this.#restoreMs = restoreMs;
    this.#idOf = createDerivedIds(store.settings);
  }

  /** Updates the schedulers of a namespace to match its triggers. */
  sync(namespace: Namespace): Promise<void> {
    return this.#applyAll(() => this.#store.triggers.list(namespace));
  }

  /** Starts handling due ticks. */
  async start(): Promise<Closable> {
    await this.#applyAll(() => this.#store.triggers.schedules());
    const ticks = await this.#queue.onTick((id, scheduledAt) => this.#tick(id, scheduledAt));
    const timer = setInterval(() => {
      // What fails, for example because the store is unreachable, is done the next time.
      this.#restore().catch(() => undefined);
    }, this.#restoreMs);
    timer.unref();
    return {
      close: async () => {
        clearInterval(timer);
        await ticks.close();
      },
    };
  }

  async nextRun(trigger: StoredTrigger): Promise<number | null> {
    return isSchedule(trigger) && trigger.enabled ? this.#queue.nextScheduledRun(trigger.id) : null;
  }

  /**
   * Starts a run immediately, at the depth of the request or that of a tick if this is greater.
   * Throws `function_not_found` if the function does not exist.
   */
  async runNow(trigger: CronTrigger, depth: number): Promise<RequestId> {
    const id = newRequestId();
    const turn = trigger.spec.overlap === 'skip' ? await this.#turnOf(trigger.id, TURN_MS) : null;
    try {
      await this.#fire(trigger, { id, scheduledAt: Date.now(), depth: Math.max(FIRST_DEPTH, depth) });
    } finally {
      await turn?.release();
    }
    return id;
  }

  /**
   * Schedules the triggers again whose schedulers are gone, because they were deleted with a BullMQ
   * tool or the queue's server was replaced by an empty one.
   */
  #restore(): Promise<void> {
    return this.#applyAll(async () => {
      const lost: StoredTrigger[] = [];
      for (const trigger of await this.#store.triggers.schedules())
        if (trigger.enabled && (await this.#queue.nextScheduledRun(trigger.id)) === null) lost.push(trigger);
      return lost;
    });
  }

  /**
   * Applies the state of triggers until it is that of the store: another process may have changed
   * and applied a trigger after it was read here, and its state must not be undone.
   */
  async #applyAll(read: () => Promise<StoredTrigger[]>): Promise<void> {
    const applied = new Map<string, string>();
    for (;;) {
      const changed = (await read())
        .filter(isSchedule)
        .filter((trigger) => applied.get(trigger.id) !== stateOf(trigger));
      if (changed.length === 0) return;
      for (const trigger of changed) {
        await this.#apply(trigger);
        applied.set(trigger.id, stateOf(trigger));
      }
    }
  }

  async #apply({ id, enabled, spec }: CronTrigger): Promise<void> {
    if (!enabled) return this.#queue.unschedule(id);
    const { cron, timezone = DEFAULT_TIMEZONE } = spec;
    await this.#queue.schedule({ id, cron, timezone });
  }

  /**
   * Handles a tick. The scheduler of a deleted trigger is removed at its next tick, so no list of
   * schedulers is needed.
   */
  async #tick(id: string, scheduledAt: number): Promise<void> {
    const trigger = await this.#store.triggers.get(id);
    if (!trigger || !isSchedule(trigger) || !trigger.enabled) return this.#queue.unschedule(id);
    if (!(await this.#catalog.find(trigger.namespace, trigger.function))) return this.#queue.unschedule(id);
    if (trigger.spec.catch_up === 'none' && wasMissed(trigger, scheduledAt, Date.now())) return;
    // The id is derived from the tick, so that a tick that is delivered twice starts one run.
    const requestId = await this.#idOf(scheduledAt, `${id}@${scheduledAt}`);
    if (trigger.spec.overlap !== 'skip') return this.#startTick(trigger, requestId, scheduledAt);
    // Only one tick of a schedule waits for its turn: more would fill the slots that the schedules
    // of all namespaces share, and be skipped in the end.
    if (this.#waiting.has(id)) return;
    this.#waiting.add(id);
    const turn = await this.#turnOf(id, Number.POSITIVE_INFINITY).finally(() => this.#waiting.delete(id));
    try {
      const active = await this.#activeRuns(trigger);
      if (active.some((run) => run !== requestId)) return;
      await this.#startTick(trigger, requestId, scheduledAt);
    } finally {
      await turn.release();
    }
  }

  async #startTick(trigger: CronTrigger, requestId: RequestId, scheduledAt: number): Promise<void> {
    if ((await this.#store.attempts.invocation(requestId)) !== null) return;
    await this.#fire(trigger, { id: requestId, scheduledAt, depth: FIRST_DEPTH });
  }

  /**
   * Resolves when no other process is starting a run of a schedule with `overlap: skip`: of two
   * that start one at once, neither would see the other. Throws `conflict` after `withinMs`.
   */
  async #turnOf(id: string, withinMs: number): Promise<Lease> {
    const end = performance.now() + withinMs;
    for (;;) {
      const lease = await this.#leases.acquire(`schedule:${id}`, 1);
      if (lease !== null) return lease;
      if (performance.now() > end) {
        const sentence = 'Another run of this schedule is being started; try again in a moment.';
        throw new AppError('conflict', sentence);
      }
      await sleep(TURN_POLL_MS);
    }
  }

  /** Resolves with those of the last runs of the schedule that are still on the queue. */
  async #activeRuns({ id: trigger }: StoredTrigger): Promise<RequestId[]> {
    const last = await this.#store.settings.get(triggerScope(trigger), LAST_RUNS);
    const active: RequestId[] = [];
    for (const text of last === null ? [] : last.split(',')) {
      const id = requestIdSchema.parse(text);
      if ((await this.#queue.get(id)) !== null) active.push(id);
    }
    return active;
  }

  async #fire(trigger: CronTrigger, { id, scheduledAt, depth }: ScheduledRun): Promise<void> {
    const fn = await this.#catalog.choose(trigger.namespace, trigger.function);
    const input = {
      cron: trigger.spec.cron,
      scheduled_at: new Date(scheduledAt).toISOString(),
      namespace: trigger.namespace,
      trigger_depth: depth,
      timestamp: Math.floor(Date.now() / 1000),
    };
    const invocation = jobOf(fn, {
      id,
      trigger: 'cron',
      triggerDepth: depth,
      callerWallet: '',
      input: Buffer.from(JSON.stringify(input)),
      acceptedAt: Date.now(),
      resultTtlMs: this.#resultTtlMs,
    });
    // Written before the job is added: an unrecorded run could be overlapped, whereas a recorded
    // run that was never added does not count as running.
    if (trigger.spec.overlap === 'skip') {
      const runs = new Set([...(await this.#activeRuns(trigger)), id]);
      const last = [...runs].slice(-MAX_LAST_RUNS).join(',');
      await this.#store.settings.put(triggerScope(trigger.id), LAST_RUNS, last, null);
    }
    await this.#queue.add([invocation]);
    this.#meter.accepted('cron', 1);
  }
}

interface ScheduledRun {
  id: RequestId;
  scheduledAt: number;
  /** Its trigger depth. */
  depth: number;
}

/** Returns a text that differs if a trigger must be applied again. */
function stateOf({ enabled, spec }: CronTrigger): string {
  return JSON.stringify([enabled, spec]);
}

export function isSchedule(trigger: StoredTrigger): trigger is CronTrigger {
  return 'cron' in trigger.spec;
}

/**
 * Returns whether no process was running when the tick was due: the following tick is already due,
 * or the tick is a minute late.
 */
function wasMissed({ spec }: CronTrigger, scheduledAt: number, now: number): boolean {
  if (now - scheduledAt > MISSED_AFTER_MS) return true;
  const next = nextRunAfter(spec.cron, spec.timezone ?? DEFAULT_TIMEZONE, scheduledAt);
  return next !== null && next <= now;
}
