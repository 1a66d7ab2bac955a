import type { Closers } from '../closers.js';
import { Publisher } from '../core/events/publish.js';
import { Schedules } from '../core/events/schedules.js';
import { Catalog } from '../core/functions/catalog.js';
import { type CallDepth, openCallDepth } from '../core/invocations/call-depth.js';
import { type Callbacks, TaskCallbacks } from '../core/invocations/callbacks.js';
import { Finisher } from '../core/invocations/finish.js';
import { Idempotency } from '../core/invocations/idempotency.js';
import { Invoker } from '../core/invocations/invoke.js';
import { endRemoved } from '../core/invocations/removed.js';
import { BusReplies, type Replies } from '../core/invocations/replies.js';
import { assertMasterKey } from '../core/master-key.js';
import { LogQuota } from '../core/observability/log-quota.js';
import { publishMetrics } from '../core/observability/shared-metrics.js';
import { openSecrets, type Secrets } from '../core/secrets.js';
import type { AttemptRow } from '../ports/store/attempts.js';
import { addProcessGauges } from './gauges.js';
import type { Ports } from './ports.js';

/** The use cases that web and worker share. */
export interface Core {
  catalog: Catalog;
  replies: Replies;
  invoker: Invoker;
  publisher: Publisher;
  secrets: Secrets;
  schedules: Schedules;
  callbacks: Callbacks;
  logQuota: LogQuota;
  finisher: Finisher;
  depths: CallDepth;
}

/**
 * Creates the use cases. `writeRow` makes the end of an invocation durable: by group commit in a
 * worker, with a write of its own in a web process.
 */
export async function composeCore(
  ports: Ports,
  closers: Closers,
  writeRow: (row: AttemptRow) => Promise<void>,
): Promise<Core> {
  const { store, bus, queue, backlog, egress, tasks, config } = ports;
  const { meter } = ports.metrics;
  const resultTtlMs = config.RESULT_TTL_SECONDS * 1000;

  const catalog = closers.add(await Catalog.open({ store, bus }));
  const replies = closers.add(
    await BusReplies.open({
      address: ports.processId,
      bus,
      store,
      async endIfRemoved(namespace, id) {
        const removed = await queue.findRemovedCall(namespace, id);
        if (removed !== null) await end(removed);
      },
    }),
  );
  const { rateLimiter, logger, quotas } = ports;
  const depths = await openCallDepth(store.settings);
  const callbacks = new TaskCallbacks({ store, tasks, egress, rateLimiter, quotas, depths, logger });
  const logQuota = closers.add(await LogQuota.open({ store: store.quotas, quotas, bus }));
  const shared = { catalog, queue, meter, resultTtlMs };
  const idempotency = new Idempotency({ queue, store, backlog });
  const invoker = new Invoker({ ...shared, replies, idempotency, egress, callbacks, logQuota });
  const publisher = new Publisher({ ...shared, bus });
  const { box } = ports.keys;
  await assertMasterKey(store, box);
  const secrets = closers.add(await openSecrets({ store, bus, box, quotas }));
  const schedules = new Schedules({ ...shared, store, leases: ports.leases });
  const finisher = new Finisher({ replies, publisher, callbacks, meter, writeRow });
  const end = endRemoved({ attempts: store.attempts, finisher, backlog });
  queue.onRemoved(end);
  addProcessGauges(ports);
  const { processId, metrics } = ports;
  const everyMs = config.METRICS_SHARE_SECONDS * 1000;
  closers.add(publishMetrics({ bus, processId, everyMs, snapshot: metrics.snapshot }));
  const uses = { catalog, replies, invoker, publisher, secrets, schedules, callbacks, logQuota, finisher };
  return { ...uses, depths };
}
