import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { FunctionLabels } from './function-labels.js';
import type { Meter, OwnSeries } from './ports/meter.js';

/** A metric whose value is computed when the metrics are read. */
export interface GaugeSource {
  name: string;
  help: string;
  /**
   * `process`: each process has its own value, and values are merged. `installation`: all processes
   * see the same value.
   */
  of: 'process' | 'installation';
  /** How values of several processes are merged; default `sum`. */
  merge?: 'sum' | 'max';
  /** Returns one value per label set. */
  read(): Promise<Value[]> | Value[];
  /**
   * Returns all values of a namespace, for metrics of the installation that show it only some of
   * them in `read`.
   */
  readOf?(namespace: string): Promise<Value[]>;
}

export interface Value {
  labels?: Partial<Record<Label, string>>;
  value: number;
}

const LABELS = ['state', 'reason', 'kind', 'namespace'] as const;
type Label = (typeof LABELS)[number];

export interface Metrics {
  meter: Meter;
  /** Registers a metric of this process or of the whole installation. */
  addGauge(gauge: GaugeSource): void;
  /** Returns this process's own metrics as JSON, for merging with those of other processes. */
  snapshot(): Promise<object[]>;
  /**
   * Returns the Prometheus text of this process, the given snapshots of other processes and the
   * installation. With `own`, the text contains only these series.
   */
  text(others: readonly object[][], own?: OwnSeries): Promise<string>;
  readonly contentType: string;
}

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const shared = new Registry();
  collectDefaultMetrics({ register: registry });

  const gaugesOfNamespaces: GaugeSource[] = [];
  /** The metrics of the installation that have values of this namespace. */
  const readOf = (namespace: string): Promise<object[]> =>
    Promise.all(
      gaugesOfNamespaces.map(async ({ name, help, merge = 'sum', readOf: read }) => {
        const found = (await read?.(namespace).catch(() => [])) ?? [];
        const values = found.map(({ labels = {}, value }) => ({ labels, value }));
        return { name, help, type: 'gauge', aggregator: merge, values };
      }),
    );

  return {
    meter: createMeter(registry),
    addGauge(source) {
      const { name, help, of, merge = 'sum', read } = source;
      if (source.readOf !== undefined) gaugesOfNamespaces.push(source);
      const gauge: Gauge = new Gauge({
        name,
        help,
        labelNames: LABELS,
        aggregator: merge,
        registers: [of === 'process' ? registry : shared],
        async collect() {
          gauge.reset();
          // A gauge that fails is omitted; the others are still reported.
          const values = await Promise.resolve(read()).catch(() => []);
          for (const { labels, value } of values) gauge.set(labels ?? {}, value);
        },
      });
    },
    snapshot: () => registry.getMetricsAsJSON(),
    async text(others, own) {
      const all: object[][] = [await registry.getMetricsAsJSON(), ...others];
      if (own === undefined) {
        const merged = AggregatorRegistry.aggregate(all);
        return `${await merged.metrics()}\n${await shared.metrics()}`;
      }
      const merged = AggregatorRegistry.aggregate(all.map((metrics) => filterSeries(metrics, own)));
      const rest = AggregatorRegistry.aggregate([filterSeries(await readOf(own.namespace), own)]);
      return `${await merged.metrics()}\n${await rest.metrics()}`;
    },
    contentType: registry.contentType,
  };
}

/** Creates the meter of this process, whose metrics are kept in the registry. */
function createMeter(registry: Registry): Meter {
  const registers = [registry];
  const accepted = new Counter({
    name: 'orama_invocations_accepted_total',
    help: 'Invocations that are durable on the queue, by trigger.',
    labelNames: ['trigger'],
    registers,
  });
  const duration = new Histogram({
    name: 'orama_attempt_duration_seconds',
    help: 'Duration of attempts, by function and status.',
    labelNames: ['namespace', 'function', 'status'],
    buckets: SECONDS,
    registers,
  });
  const ended = new Counter({
    name: 'orama_invocations_ended_total',
    help: 'Ended invocations, by state and, for dead ones, reason.',
    labelNames: ['state', 'reason'],
    registers,
  });
  const hostCalls = new Counter({
    name: 'orama_host_calls_total',
    help: 'Host calls, by function and success.',
    labelNames: ['call', 'ok'],
    registers,
  });
  const labels = new FunctionLabels();

  return {
    accepted: (trigger, count) => accepted.inc({ trigger }, count),
    attempted: ({ namespace, function: name, status, seconds }) =>
      duration.observe({ ...labels.of(namespace, name), status }, seconds),
    ended: (state, reason) => ended.inc({ state, reason: reason ?? '' }),
    hostCalled: (call, ok) => hostCalls.inc({ call, ok: String(ok) }),
  };
}

/**
 * Filters metrics in JSON form. Series without a namespace are dropped, since they belong to no
 * single namespace.
 */
function filterSeries(metrics: readonly object[], own: OwnSeries): object[] {
  return metrics.flatMap((metric) => {
    const all: unknown = 'values' in metric ? metric.values : [];
    if (!Array.isArray(all)) return [];
    const values = all.filter((value: unknown) => {
      const labels = labelsOf(value);
      if (labels?.namespace === undefined) return false;
      const name = labels.function;
      return own.has({
        namespace: String(labels.namespace),
        function: name === undefined ? undefined : String(name),
      });
    });
    return values.length === 0 ? [] : [{ ...metric, values }];
  });
}

/** Checked by hand: there may be tens of thousands of values, for which a schema is too slow. */
function labelsOf(value: unknown): { namespace?: unknown; function?: unknown } | null {
  if (typeof value !== 'object' || value === null || !('labels' in value)) return null;
  return typeof value.labels === 'object' ? value.labels : null;
}
