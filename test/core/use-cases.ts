import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { openStore } from '../../db/open.js';
import { openQueues } from '../../queues/open.js';
import { openBus } from '../../src/bus/open.js';
import { type FunctionVersion, functionSettingsSchema } from '../../src/contract/function.js';
import type { Namespace } from '../../src/contract/ids.js';
import { QUOTA_NAMES, QUOTAS, type QuotaLimits } from '../../src/contract/quotas.js';
import type { Actor } from '../../src/core/auth/principal.js';
import { Publisher } from '../../src/core/events/publish.js';
import { Catalog } from '../../src/core/functions/catalog.js';
import { openCallDepth } from '../../src/core/invocations/call-depth.js';
import { TaskCallbacks } from '../../src/core/invocations/callbacks.js';
import { Finisher } from '../../src/core/invocations/finish.js';
import { Idempotency } from '../../src/core/invocations/idempotency.js';
import { type InvokeRequest, Invoker } from '../../src/core/invocations/invoke.js';
import { BusReplies } from '../../src/core/invocations/replies.js';
import { LogQuota } from '../../src/core/observability/log-quota.js';
import { openQuotas } from '../../src/core/quotas.js';
import { openEgress } from '../../src/egress/fetch.js';
import { createLogger } from '../../src/logger.js';
import type { Meter } from '../../src/ports/meter.js';
import { openRateLimiter } from '../../src/rate-limit/open.js';
import { aNamespace } from '../helpers/attempt.js';
import { anEntry, ENOUGH_FOR_ALL } from '../helpers/audited.js';

const RESULT_TTL_MS = 60_000;
export const GATEWAY = 'this-gateway';
/** Who makes the changes of a test. */
export const by = { principal: { subject: 'admin', keyName: null }, requestId: 'r' } as Actor;

/** A request to invoke a function. */
export function request(
  { namespace, name }: FunctionVersion,
  given: Partial<InvokeRequest> = {},
): InvokeRequest {
  return { namespace, function: name, input: Buffer.from('{"n":1}'), trigger: 'http', ...given };
}

/** Creates the use cases with the embedded drivers of all ports, without a worker. */
export async function openUseCases(directory: string) {
  await mkdir(directory, { recursive: true });
  const store = await openStore({ driver: 'sqlite', file: join(directory, 'store.sqlite') });
  const queues = await openQueues({
    driver: 'sqlite',
    dir: join(directory, 'queue'),
    maxWaiting: 1000,
    maxBytes: 1 << 24,
  });
  const bus = await openBus({ driver: 'local' });
  const rateLimiter = await openRateLimiter({ driver: 'local' });
  const egress = openEgress({ allow: [] });
  const catalog = await Catalog.open({ store, bus });
  const replies = await BusReplies.open({ address: GATEWAY, bus, store });
  const logger = createLogger('silent');
  const defaults = Object.fromEntries(QUOTA_NAMES.map((name) => [name, QUOTAS[name].default])) as QuotaLimits;
  const quotas = await openQuotas({ store: store.quotas, bus, defaults });
  const metered: unknown[][] = [];
  const meter: Meter = {
    accepted: (...values) => void metered.push(['accepted', ...values]),
    attempted: (...values) => void metered.push(['attempted', ...values]),
    ended: (...values) => void metered.push(['ended', ...values]),
    hostCalled: (...values) => void metered.push(['hostCalled', ...values]),
  };
  const shared = { catalog, queue: queues.queue, meter, resultTtlMs: RESULT_TTL_MS };
  const depths = await openCallDepth(store.settings);
  const { tasks } = queues;
  const callbacks = new TaskCallbacks({ store, tasks, egress, rateLimiter, quotas, depths, logger });
  const logQuota = await LogQuota.open({ store: store.quotas, quotas, bus });
  const publisher = new Publisher({ ...shared, bus });
  return {
    store,
    catalog,
    quotas,
    logQuota,
    meter,
    queue: queues.queue,
    backlog: queues.backlog,
    leases: queues.leases,
    bus,
    replies,
    metered,
    publisher,
    invoker: new Invoker({
      ...{ ...shared, replies, egress, callbacks, logQuota },
      idempotency: new Idempotency({ queue: queues.queue, store, backlog: queues.backlog }),
    }),
    finisher: new Finisher({
      replies,
      publisher,
      callbacks,
      meter,
      writeRow: (row) => store.attempts.write([row]),
    }),

    /** Deploys a function with these settings in a namespace of its own. */
    async deploy(
      settings: Partial<z.input<typeof functionSettingsSchema>> = {},
      namespace: Namespace = aNamespace(),
    ): Promise<FunctionVersion> {
      const version = await store.functions.addVersion(
        {
          namespace,
          settings: functionSettingsSchema.parse({ name: 'hello', metadata: {}, ...settings }),
          wasmCid: 'bafy',
          warmStart: 'fresh',
          createdBy: 'test',
          limits: ENOUGH_FOR_ALL,
        },
        anEntry(),
      );
      await catalog.changed(namespace);
      return version;
    },

    async close() {
      await logQuota.close();
      await quotas.close();
      await catalog.close();
      await replies.close();
      await queues.close();
      await rateLimiter.close();
      await egress.close();
      await bus.close();
      await store.close();
    },
  };
}

export type UseCases = Awaited<ReturnType<typeof openUseCases>>;
