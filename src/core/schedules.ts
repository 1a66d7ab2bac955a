import { CronExpressionParser } from 'cron-parser';
import type { TriggerSpec } from '../contract/function.js';
import type { Namespace } from '../contract/ids.js';
import { requestIdSchema } from '../contract/ids.js';
import { AppError } from '../errors.js';
import type { Closable } from '../ports/closable.js';
import type { Meter } from '../ports/meter.js';
import type { InvocationQueue } from '../ports/queue.js';
import type { Store, StoredTrigger } from '../ports/store.js';
import { uuidOf } from '../uuid.js';
import type { Catalog } from './catalog.js';
import { jobOf } from './job.js';

export const DEFAULT_TIMEZONE = 'UTC';

/** Triggers with a schedule: keeps the queue's schedulers in step with the store, and turns ticks into invocations. */
export interface Schedules {
  /** Makes the schedulers of a namespace those of its triggers. */
  sync(namespace: Namespace): Promise<void>;
  /** Starts firing what is due. */
  start(): Promise<Closable>;
  nextRun(trigger: StoredTrigger): Promise<number | null>;
}

export interface SchedulesDeps {
  store: Store;
  queue: InvocationQueue;
  catalog: Catalog;
  meter: Meter;
  resultTtlMs: number;
}

export function createSchedules({ store, queue, catalog, meter, resultTtlMs }: SchedulesDeps): Schedules {
  const scheduleOf = async (trigger: StoredTrigger) => {
    if (!('cron' in trigger.spec)) return;
    await queue.schedule({
      id: trigger.id,
      cron: trigger.spec.cron,
      timezone: trigger.spec.timezone ?? DEFAULT_TIMEZONE,
    });
  };

  /** A tick whose trigger is gone removes its own scheduler: nobody has to remember which there were. */
  const tick = async (id: string, scheduledAt: number) => {
    const trigger = await store.triggers.get(id);
    if (!trigger || !('cron' in trigger.spec) || !trigger.enabled) return queue.unschedule(id);
    const known = await catalog.find(trigger.namespace, trigger.function);
    if (!known) return queue.unschedule(id);
    const fn = await catalog.choose(trigger.namespace, trigger.function);
    const input = {
      cron: trigger.spec.cron,
      scheduled_at: new Date(scheduledAt).toISOString(),
      namespace: trigger.namespace,
      trigger_depth: 1,
      timestamp: Math.floor(Date.now() / 1000),
    };
    const invocation = jobOf(fn, {
      // The same tick gives the same id, so that one delivered twice fires once.
      id: requestIdSchema.parse(uuidOf(scheduledAt, `${id}@${scheduledAt}`)),
      trigger: 'cron',
      triggerDepth: 1,
      callerWallet: '',
      input: Buffer.from(JSON.stringify(input)),
      acceptedAt: Date.now(),
      resultTtlMs,
    });
    if ((await store.attempts.invocation(invocation.invocation.id)) !== null) return;
    await queue.add([invocation]);
    meter.accepted('cron', 1);
  };

  return {
    async sync(namespace) {
      for (const trigger of await store.triggers.list(namespace)) await scheduleOf(trigger);
    },
    async start() {
      for (const trigger of await store.triggers.schedules()) await scheduleOf(trigger);
      return queue.onTick(tick);
    },
    nextRun: async (trigger) => ('cron' in trigger.spec ? queue.nextTick(trigger.id) : null),
  };
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
  try {
    CronExpressionParser.parse(spec.cron, { tz: timezone }).next();
  } catch (error) {
    throw new AppError(
      'invalid_request',
      `cron must be five fields such as "*/5 * * * *" (minute 0–59, hour 0–23, day 1–31, month 1–12, weekday 0–7; or six, with seconds first) that come to pass, not ${JSON.stringify(spec.cron)}.`,
      { cause: error },
    );
  }
}
