import type { LogWriter } from '../../workers/delivery/log-writer.js';
import { sharedWhilePending } from '../concurrency/shared-while-pending.js';
import { namespaceSchema } from '../contract/ids.js';
import { OTHERS } from '../function-labels.js';
import type { GaugeSource, Metrics, Value } from '../metrics.js';
import type { Backlog } from '../ports/backlog.js';
import type { Engine } from '../ports/engine.js';
import type { InvocationQueue } from '../ports/queue.js';
import type { AttemptStore } from '../ports/store/attempts.js';
import { lostLogLines } from '../process/output.js';
import { answerInTime } from './answer-in-time.js';
import type { Ports } from './ports.js';

/** Maximum number of series of one metric, since the number of namespaces is unbounded. */
const MAX_SERIES = 1000;

/** What the metrics of the installation are read from. */
export interface InstallationPorts {
  metrics: Metrics;
  queue: Pick<InvocationQueue, 'counts'>;
  store: { attempts: Pick<AttemptStore, 'countDead' | 'deadGroups' | 'countEnded'> };
  backlog: Pick<Backlog, 'size'>;
}

/**
 * Registers the metrics of the installation; they are computed by the process whose /metrics is
 * scraped. Those whose server does not answer are omitted.
 */
export function addInstallationGauges({ metrics, queue, store, backlog }: InstallationPorts): void {
  const addGauge = ({ readOf, ...gauge }: Omit<GaugeSource, 'read'> & { read(): Promise<Value[]> }) =>
    metrics.addGauge({
      ...gauge,
      read: () => answerInTime(gauge.read()),
      ...(readOf === undefined ? {} : { readOf: (namespace) => answerInTime(readOf(namespace)) }),
    });
  // Shared, so that the metrics of one scrape agree, and that reads which take longer than a scrape
  // waits, as with many dead letters, do not add up.
  const readCounts = sharedWhilePending(() => queue.counts());
  const readEnded = sharedWhilePending(async () => {
    // Sequential: an invocation that dies between the two queries must not be counted as done.
    const ended = await store.attempts.countEnded();
    return { ended, letters: await store.attempts.countDead() };
  });
  addGauge({
    name: 'orama_queue_depth',
    help: 'Invocations on the queue, by state.',
    of: 'installation',
    async read() {
      const { waiting, running, retrying } = await readCounts();
      return byLabel('state', { waiting, running, retrying });
    },
  });
  addGauge({
    name: 'orama_invocations',
    help: 'Invocations accepted so far, by their current state: accepted = waiting + running + retrying + done + dead.',
    of: 'installation',
    async read() {
      const { waiting, running, retrying } = await readCounts();
      const { ended, letters } = await readEnded();
      const dead = letters.reduce((sum, { count }) => sum + count, 0);
      const done = Math.max(0, ended - dead);
      const accepted = waiting + running + retrying + done + dead;
      return byLabel('state', { accepted, waiting, running, retrying, done, dead });
    },
  });
  addGauge({
    name: 'orama_queue_oldest_seconds',
    help: 'How long the oldest ready job has waited.',
    of: 'installation',
    read: async () => [{ value: (await readCounts()).oldestMs / 1000 }],
  });
  addGauge({
    name: 'orama_queue_input_bytes',
    help: 'Input bytes of all jobs on the queue.',
    of: 'installation',
    read: async () => [{ value: (await readCounts()).bytes }],
  });
  addGauge({
    name: 'orama_dead_letters',
    help: 'Stored dead letters, by namespace and reason.',
    of: 'installation',
    read: async () => deadLetterSeries((await readEnded()).letters),
    async readOf(namespace) {
      const counts = new Map<string, number>();
      for (const { reason, count } of await store.attempts.deadGroups(namespaceSchema.parse(namespace)))
        counts.set(reason, (counts.get(reason) ?? 0) + count);
      return [...counts].map(([reason, value]) => ({ labels: { namespace, reason }, value }));
    },
  });
  addGauge({
    name: 'orama_log_backlog_records',
    help: 'Log records in the backlog on the queue’s server, waiting for the store.',
    of: 'installation',
    read: async () => [{ value: await backlog.size() }],
  });
}

/** Returns the largest counts, and the sum of all others as one value. */
export function deadLetterSeries(
  counts: readonly { namespace: string; reason: string; count: number }[],
): Value[] {
  const dead = counts.toSorted((a, b) => b.count - a.count);
  const rest = dead.slice(MAX_SERIES).reduce((sum, { count }) => sum + count, 0);
  const largest = dead
    .slice(0, MAX_SERIES)
    .map(({ namespace, reason, count }) => ({ labels: { namespace, reason }, value: count }));
  return rest === 0 ? largest : [...largest, { labels: { namespace: OTHERS, reason: OTHERS }, value: rest }];
}

/** Registers the metrics of every process. */
export function addProcessGauges({ metrics }: Ports): void {
  metrics.addGauge({
    name: 'orama_engine_log_lines_lost',
    help: 'Lines of the engine’s log and output that could not be written since the process started.',
    of: 'process',
    read: () => [{ value: lostLogLines() }],
  });
}

/** Registers the metrics of a worker process. */
export function addWorkerGauges({ metrics }: Ports, engine: Engine, logWriter: LogWriter): void {
  metrics.addGauge({
    name: 'orama_pool_threads',
    help: 'Guest threads: all, computing, parked in a host call; and guests that wait for a thread.',
    of: 'process',
    read() {
      const { threads, busy, parked, waiting } = engine.stats();
      return byLabel('state', { all: threads, busy, parked, waiting });
    },
  });
  metrics.addGauge({
    name: 'orama_guest_runs',
    help: 'Guest runs since the process started, by whether they used a warm or a fresh instance.',
    of: 'process',
    read() {
      const { warmRuns, freshRuns } = engine.stats();
      return byLabel('kind', { warm: warmRuns, fresh: freshRuns });
    },
  });
  metrics.addGauge({
    name: 'orama_warm_instances',
    help: 'Warm instances.',
    of: 'process',
    read: () => [{ value: engine.stats().warmInstances }],
  });
  metrics.addGauge({
    name: 'orama_thread_kills',
    help: 'Guest threads terminated since the process started.',
    of: 'process',
    read: () => [{ value: engine.stats().kills }],
  });
  metrics.addGauge({
    name: 'orama_guest_memory_megabytes',
    help: 'Memory of guests: limits of running ones, and actual memory of parked ones and warm instances.',
    of: 'process',
    read: () => [{ value: engine.stats().memoryMb }],
  });
  metrics.addGauge({
    name: 'orama_log_pending_records',
    help: 'Log records that wait to be written.',
    of: 'process',
    read: () => [{ value: logWriter.stats().pending }],
  });
  metrics.addGauge({
    name: 'orama_log_lag_seconds',
    help: 'How long the oldest log record of the current batch has waited.',
    of: 'process',
    merge: 'max',
    read: () => [{ value: logWriter.stats().lagMs / 1000 }],
  });
}

function byLabel(label: 'state' | 'kind', values: Record<string, number>) {
  return Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }));
}
