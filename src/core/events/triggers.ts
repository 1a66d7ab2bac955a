import type { TriggerSpec } from '../../contract/function.js';
import type { FunctionName, Namespace, RequestId } from '../../contract/ids.js';
import type { TriggerRecord } from '../../contract/records.js';
import { AppError } from '../../errors.js';
import type { StoredTrigger } from '../../ports/store/triggers.js';
import type { Store } from '../../ports/store.js';
import { auditEntry } from '../auth/audit.js';
import type { Actor } from '../auth/principal.js';
import { type Catalog, functionNotFound } from '../functions/catalog.js';
import type { Quotas } from '../quotas.js';
import { assertRunsPerHour } from './schedule-runs.js';
import { DEFAULT_TIMEZONE, isSchedule, type Schedules } from './schedules.js';

export interface TriggersDeps {
  store: Store;
  catalog: Catalog;
  schedules: Schedules;
  quotas: Quotas;
}

/** Triggers added through the API. Those of function.yaml are replaced by each deploy. */
export class Triggers {
  readonly #store: Store;
  readonly #catalog: Catalog;
  readonly #schedules: Schedules;
  readonly #quotas: Quotas;

  constructor({ store, catalog, schedules, quotas }: TriggersDeps) {
    this.#store = store;
    this.#catalog = catalog;
    this.#schedules = schedules;
    this.#quotas = quotas;
  }

  async add(by: Actor, namespace: Namespace, fn: FunctionName, spec: TriggerSpec): Promise<TriggerRecord> {
    await this.#catalog.resolve(namespace, fn);
    const limits = await this.#quotas.limits(namespace);
    await assertRunsPerHour(this.#store.triggers, namespace, limits.schedule_runs_per_hour, {
      function: fn,
      replaces: 'none',
      specs: [spec],
    });
    const audit = auditEntry(by, 'trigger.add', `${fn}: ${describe(spec)}`, namespace);
    const trigger = await this.#store.triggers.add(namespace, fn, spec, audit, limits.triggers);
    // It has been deleted meanwhile.
    if (trigger === null) throw functionNotFound(namespace, fn);
    await this.#changed(namespace);
    return this.#recordOf(trigger);
  }

  async list(namespace: Namespace, fn: FunctionName): Promise<TriggerRecord[]> {
    await this.#catalog.resolve(namespace, fn);
    const triggers = await this.#store.triggers.list(namespace, fn);
    return Promise.all(triggers.map((trigger) => this.#recordOf(trigger)));
  }

  async remove(by: Actor, namespace: Namespace, fn: FunctionName, id: string): Promise<void> {
    const audit = auditEntry(by, 'trigger.delete', `${fn}: ${id}`, namespace);
    const removed = await this.#store.triggers.remove(namespace, fn, id, audit);
    await this.#catalog.changed(namespace);
    if (!removed) throw await this.#notFound(namespace, fn, id);
  }

  /** Pauses or resumes a trigger. A paused trigger neither fires nor catches up afterwards. */
  async setEnabled(
    by: Actor,
    namespace: Namespace,
    fn: FunctionName,
    id: string,
    enabled: boolean,
  ): Promise<TriggerRecord> {
    if (enabled) await this.#assertRunsWithinQuota(namespace, fn, id);
    const action = enabled ? 'trigger.enable' : 'trigger.disable';
    const audit = auditEntry(by, action, `${fn}: ${id}`, namespace);
    const trigger = await this.#store.triggers.setEnabled(namespace, fn, id, enabled, audit);
    if (!trigger) throw await this.#notFound(namespace, fn, id);
    await this.#changed(namespace);
    return this.#recordOf(trigger);
  }

  /** Starts a run of a schedule immediately. `depth` is that of the request. */
  async run(
    by: Actor,
    namespace: Namespace,
    fn: FunctionName,
    id: string,
    depth: number,
  ): Promise<RequestId> {
    const trigger = await this.#store.triggers.get(id);
    if (trigger?.namespace !== namespace || trigger.function !== fn) {
      throw await this.#notFound(namespace, fn, id);
    }
    if (!isSchedule(trigger)) {
      throw new AppError(
        'conflict',
        `The trigger ${id} has no schedule; publish to the topic ${JSON.stringify('topic' in trigger.spec ? trigger.spec.topic : '')} to fire it.`,
      );
    }
    const requestId = await this.#schedules.runNow(trigger, depth);
    await this.#store.audit.record(auditEntry(by, 'trigger.run', `${fn}: ${id}`, namespace));
    return requestId;
  }

  /** A paused schedule does not count against the quota until it is resumed. */
  async #assertRunsWithinQuota(namespace: Namespace, fn: FunctionName, id: string): Promise<void> {
    const trigger = await this.#store.triggers.get(id);
    if (trigger?.namespace !== namespace || trigger.function !== fn || trigger.enabled) return;
    const { schedule_runs_per_hour: limit } = await this.#quotas.limits(namespace);
    const added = { function: fn, replaces: 'none' as const, specs: [trigger.spec], resumes: id };
    await assertRunsPerHour(this.#store.triggers, namespace, limit, added);
  }

  async #changed(namespace: Namespace): Promise<void> {
    await this.#schedules.sync(namespace);
    await this.#catalog.changed(namespace);
  }

  /** Throws `function_not_found` instead if there is no such function. */
  async #notFound(namespace: Namespace, fn: FunctionName, id: string): Promise<AppError> {
    await this.#catalog.resolve(namespace, fn);
    return new AppError(
      'not_found',
      `Function "${fn}" has no trigger ${JSON.stringify(id)}; list them with GET /v1/functions/${fn}/triggers.`,
    );
  }

  async #recordOf(trigger: StoredTrigger): Promise<TriggerRecord> {
    const common = {
      id: trigger.id,
      function: trigger.function,
      enabled: trigger.enabled,
      created_at: new Date(trigger.createdAt).toISOString(),
    };
    if ('topic' in trigger.spec) return { ...common, topic: trigger.spec.topic };
    const next = await this.#schedules.nextRun(trigger);
    return {
      ...common,
      cron: trigger.spec.cron,
      timezone: trigger.spec.timezone ?? DEFAULT_TIMEZONE,
      overlap: trigger.spec.overlap ?? 'allow',
      catch_up: trigger.spec.catch_up ?? 'one',
      next_run_at: next === null ? null : new Date(next).toISOString(),
    };
  }
}

function describe(spec: TriggerSpec): string {
  return 'topic' in spec ? `topic ${spec.topic}` : `cron ${spec.cron}`;
}
