import { isCron, nextRunAfter } from '../contract/cron.js';
import type { TriggerSpec } from '../contract/function.js';
import { type Namespace, type RequestId, requestIdSchema } from '../contract/ids.js';
import { AppError } from '../errors.js';
import type { Closable } from '../ports/closable.js';
import type { Meter } from '../ports/meter.js';
import type { InvocationQueue } from '../ports/queue.js';
import type { StoredTrigger } from '../ports/store/triggers.js';
import type { Store } from '../ports/store.js';
import { uuidOf } from '../uuid.js';
import type { Catalog } from './catalog.js';
import { jobOf } from './job.js';
import { newRequestId } from './request-id.js';

export const DEFAULT_TIMEZONE = 'UTC';

/** A tick that comes so much later than it was due was missed: nothing was up to fire it. */
const MISSED_AFTER_MS = 60_000;
/** Where the last run of a schedule with `overlap: skip` is kept. */
const LAST_RUN = 'last_run';

type CronTrigger = StoredTrigger & { spec: Extract<TriggerSpec, { cron: string }> };

/**
 * Triggers with a schedule: keeps the queue's schedulers in step with the store, and turns ticks
 * into invocations.
 */
export interface Schedules {
  /** Makes the schedulers of a namespace those of its triggers. */
  sync(namespace: Namespace): Promise<void>;
  /** Starts firing what is due. */
  start(): Promise<Closable>;
  nextRun(trigger: StoredTrigger): Promise<number | null>;
  /** A run of the schedule, now. Throws `function_not_found` when its function is gone. */
  runNow(trigger: CronTrigger): Promise<RequestId>;
}

export interface SchedulesDeps {
  store: Store;
  queue: InvocationQueue;
  catalog: Catalog;
  meter: Meter;
  resultTtlMs: number;
}

export function createSchedules({ store, queue, catalog, meter, resultTtlMs }: SchedulesDeps): Schedules {
  const sync = async (trigger: StoredTrigger) => {
    if (!isSchedule(trigger)) return;
    if (!trigger.enabled) return queue.unschedule(trigger.id);
    const { cron, timezone = DEFAULT_TIMEZONE } = trigger.spec;
    await queue.schedule({ id: trigger.id, cron, timezone });
  };

  /**
   * A tick whose trigger is gone removes its own scheduler: nobody has to remember which there
   * were.
   */
  const tick = async (id: string, scheduledAt: number) => {
    const trigger = await store.triggers.get(id);
    if (!trigger || !isSchedule(trigger) || !trigger.enabled) return queue.unschedule(id);
    if (!(await catalog.find(trigger.namespace, trigger.function))) return queue.unschedule(id);
    if (trigger.spec.catch_up === 'none' && wasMissed(trigger, scheduledAt, Date.now())) return;
    // The same tick gives the same id, so that one delivered twice fires once.
    const requestId = requestIdSchema.parse(uuidOf(scheduledAt, `${id}@${scheduledAt}`));
    if ((await store.attempts.invocation(requestId)) !== null) return;
    if (trigger.spec.overlap === 'skip' && (await isRunning(trigger, requestId))) return;
    await fire(trigger, requestId, scheduledAt);
  };

  /** Whether a run of the schedule before this one goes on. */
  const isRunning = async ({ id }: StoredTrigger, requestId: RequestId) => {
    const last = await store.settings.get(`trigger:${id}`, LAST_RUN);
    return last !== null && last !== requestId && (await queue.get(requestIdSchema.parse(last))) !== null;
  };

  const fire = async (trigger: CronTrigger, id: RequestId, scheduledAt: number) => {
    const fn = await catalog.choose(trigger.namespace, trigger.function);
    const input = {
      cron: trigger.spec.cron,
      scheduled_at: new Date(scheduledAt).toISOString(),
      namespace: trigger.namespace,
      trigger_depth: 1,
      timestamp: Math.floor(Date.now() / 1000),
    };
    const invocation = jobOf(fn, {
      id,
      trigger: 'cron',
      triggerDepth: 1,
      callerWallet: '',
      input: Buffer.from(JSON.stringify(input)),
      acceptedAt: Date.now(),
      resultTtlMs,
    });
    // Before the job: a run that is not known would be overlapped, one that is known and never was
    // is not running.
    if (trigger.spec.overlap === 'skip') await store.settings.put(`trigger:${trigger.id}`, LAST_RUN, id);
    await queue.add([invocation]);
    meter.accepted('cron', 1);
  };

  return {
    async sync(namespace) {
      for (const trigger of await store.triggers.list(namespace)) await sync(trigger);
    },
    async start() {
      for (const trigger of await store.triggers.schedules()) await sync(trigger);
      return queue.onTick(tick);
    },
    nextRun: async (trigger) => (isSchedule(trigger) && trigger.enabled ? queue.nextTick(trigger.id) : null),
    async runNow(trigger) {
      const id = newRequestId();
      await fire(trigger, id, Date.now());
      return id;
    },
  };
}

export function isSchedule(trigger: StoredTrigger): trigger is CronTrigger {
  return 'cron' in trigger.spec;
}

/**
 * Whether nothing was up to fire a tick when it was due: the one after it is due already, or it is
 * a minute late.
 */
function wasMissed({ spec }: CronTrigger, scheduledAt: number, now: number): boolean {
  if (now - scheduledAt > MISSED_AFTER_MS) return true;
  const next = nextRunAfter(spec.cron, spec.timezone ?? DEFAULT_TIMEZONE, scheduledAt);
  return next !== null && next <= now;
}

/** Refuses a schedule or time zone that no tick could come from. */
export function assertSchedule(spec: TriggerSpec): void {
  if (!('cron' in spec)) return;
  const timezone = spec.timezone ?? DEFAULT_TIMEZONE;
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
  } catch {
    throw new AppError(
      'invalid_request',
      `timezone must be an IANA name such as "Europe/Berlin", not ${JSON.stringify(timezone)}.`,
    );
  }
  if (isCron(spec.cron)) return;
  throw new AppError(
    'invalid_request',
    `cron must be five fields such as "*/5 * * * *" (or six, with seconds first) that come due some day, not ${JSON.stringify(spec.cron)}.`,
  );
}
