import { createDeliveryHandler } from '../../workers/delivery/handler.js';
import { GroupCommitLogWriter, type LogWriter } from '../../workers/delivery/log-writer.js';
import { startWarmUp } from '../../workers/delivery/warm-up.js';
import type { Closers } from '../closers.js';
import { waitAtMost } from '../concurrency/timeout.js';
import type { Config } from '../config.js';
import type { FunctionName, Namespace } from '../contract/ids.js';
import type { Trace } from '../contract/trace.js';
import { encodeLogNotice, logChannel } from '../core/observability/logs.js';
import { startRetention } from '../core/retention.js';
import type { Logger } from '../logger.js';
import type { Closable } from '../ports/closable.js';
import type { Engine } from '../ports/engine.js';
import type { AttemptRow } from '../ports/store/attempts.js';
import { type Core, composeCore } from './core.js';
import { composeEngine } from './engine.js';
import { addWorkerGauges } from './gauges.js';
import { openPorts, type Ports } from './ports.js';
import { createShutdownDeadline, type ShutdownDeadline } from './shutdown-deadline.js';

interface ComposedWorker {
  ports: Ports;
  core: Core;
  engine: Engine;
  deadline: ShutdownDeadline;
}

/** Opens everything that a process needs to run functions, and starts to consume jobs. */
export async function composeWorker(
  config: Config,
  logger: Logger,
  closers: Closers,
  replay?: Trace,
): Promise<ComposedWorker> {
  const ports = await openPorts(config, logger, closers);
  const logWriter = composeLogWriter(ports, closers);
  const engine = composeEngine(ports, 'worker', closers);
  const core = await composeCore(ports, closers, (row) => logWriter.write(row));
  const deadline = createShutdownDeadline(config.SHUTDOWN_SECONDS);
  await startWorker(ports, core, { engine, logWriter, deadline, replay }, closers);
  return { ports, core, engine, deadline };
}

/** Creates the log writer of a worker process, which writes by group commit. */
function composeLogWriter(ports: Ports, closers: Closers): LogWriter {
  const { store, backlog, bus, logger } = ports;
  const notifyFollowers = (rows: readonly AttemptRow[]) => {
    const written = new Map<Namespace, Set<FunctionName>>();
    for (const { namespace, function: name } of rows) {
      const names = written.get(namespace);
      if (names) names.add(name);
      else written.set(namespace, new Set([name]));
    }
    for (const [namespace, names] of written) {
      void bus.publish(logChannel(namespace), encodeLogNotice(names)).catch(() => undefined);
    }
  };
  return closers.add(
    new GroupCommitLogWriter({ attempts: store.attempts, backlog, logger, onWritten: notifyFollowers }),
  );
}

export interface WorkerDeps {
  engine: Engine;
  logWriter: LogWriter;
  deadline: ShutdownDeadline;
  /** Recorded results that host calls return instead of reaching external systems. */
  replay?: Trace | undefined;
}

/**
 * Starts consuming jobs, ticks and callbacks. `close` lets running jobs finish, or returns them to
 * the queue when the time is up.
 */
export async function startWorker(
  ports: Ports,
  core: Core,
  { engine, logWriter, deadline, replay }: WorkerDeps,
  closers: Closers,
): Promise<void> {
  const { config, logger, store } = ports;
  const handler = createDeliveryHandler({
    ...ports,
    ...core,
    meter: ports.metrics.meter,
    engine,
    logWriter,
    ...(replay === undefined ? {} : { replay }),
  });

  addWorkerGauges(ports, engine, logWriter);
  closers.add(
    startRetention(
      store,
      { logDays: config.LOG_RETENTION_DAYS, deadDays: config.DEAD_RETENTION_DAYS },
      logger,
    ),
  );
  closers.add(await startWarmUp({ ...ports, ...core, engine }));
  closers.add(await core.callbacks.start());
  closers.add(await core.schedules.start());
  const consumer = await ports.queue.consume(handler, { concurrency: config.WORKER_CONCURRENCY });
  closers.add(finishOrReturn(consumer, engine, deadline));
}

/**
 * Stops guests that still run when the time is up. Their jobs return to the queue with no attempt
 * used.
 */
function finishOrReturn(consumer: Closable, engine: Engine, deadline: ShutdownDeadline): Closable {
  return {
    async close() {
      const finished = consumer.close();
      await waitAtMost(deadline.left(), finished);
      await engine.close();
      await finished;
    },
  };
}
