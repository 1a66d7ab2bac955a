import { createDeliveryHandler } from '../../workers/delivery/handler.js';
import { createLogQuota } from '../../workers/delivery/log-quota.js';
import { createLogWriter, type LogWriter } from '../../workers/delivery/log-writer.js';
import { startWarmUp } from '../../workers/delivery/warm-up.js';
import type { Closers } from '../closers.js';
import type { FunctionName, Namespace } from '../contract/ids.js';
import { logChannel, newsOf } from '../core/logs.js';
import { startRetention } from '../core/retention.js';
import type { Closable } from '../ports/closable.js';
import type { Engine } from '../ports/engine.js';
import type { AttemptRow } from '../ports/store/attempts.js';
import { atMost } from '../within.js';
import type { Core } from './core.js';
import type { Parts } from './parts.js';
import { addWorkerReadings } from './readings.js';
import type { ShutdownDeadline } from './shutdown-deadline.js';

/** The group-committing writer of a worker process. */
export function composeLogWriter(parts: Parts, closers: Closers): LogWriter {
  const { store, backlog, bus, logger } = parts;
  const tellFollowers = (rows: readonly AttemptRow[]) => {
    const written = new Map<Namespace, Set<FunctionName>>();
    for (const { namespace, function: name } of rows) {
      const names = written.get(namespace);
      if (names) names.add(name);
      else written.set(namespace, new Set([name]));
    }
    for (const [namespace, names] of written) {
      void bus.publish(logChannel(namespace), newsOf(names)).catch(() => undefined);
    }
  };
  return closers.add(
    createLogWriter({ attempts: store.attempts, backlog, logger, onWritten: tellFollowers }),
  );
}

/**
 * Starts taking jobs, ticks and callbacks. `close` finishes what is in hand, or hands it back when
 * time is up.
 */
export async function startWorker(
  parts: Parts,
  core: Core,
  { engine, logWriter, deadline }: { engine: Engine; logWriter: LogWriter; deadline: ShutdownDeadline },
  closers: Closers,
): Promise<void> {
  const { config, logger, store } = parts;
  const logQuota = closers.add(createLogQuota({ store: store.quotas, quotas: parts.quotas }));
  const handler = createDeliveryHandler({
    ...parts,
    ...core,
    meter: parts.metrics.meter,
    engine,
    logWriter,
    logQuota,
  });

  addWorkerReadings(parts, engine, logWriter);
  closers.add(
    startRetention(
      store,
      { logDays: config.LOG_RETENTION_DAYS, deadDays: config.DEAD_RETENTION_DAYS },
      logger,
    ),
  );
  closers.add(await startWarmUp({ ...parts, ...core, engine }));
  closers.add(await core.callbacks.start());
  closers.add(await core.schedules.start());
  const consumer = await parts.queue.consume(handler, { concurrency: config.WORKER_CONCURRENCY });
  closers.add(finishOrHandBack(consumer, engine, deadline));
}

/**
 * Guests that are still running when time is up are stopped; their jobs go back to the queue, no
 * attempt used.
 */
function finishOrHandBack(consumer: Closable, engine: Engine, deadline: ShutdownDeadline): Closable {
  return {
    async close() {
      const finished = consumer.close();
      await atMost(deadline.left(), finished);
      await engine.close();
      await finished;
    },
  };
}
