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
   * Reads the metrics of the installation from its servers, as JSON; with `own`, those that have
   * values of this namespace. A metric that cannot be read has no values.
   */
  readInstallation(own?: OwnSeries): Promise<object[]>;
  /**
   * Returns the Prometheus text of this process, the given snapshots of other processes and the
   * metrics read from the installation. With `own`, the text contains only these series.
   */
  text(others: readonly object[][], installation: object[], own?: OwnSeries): Promise<string>;
  readonly contentType: string;
}

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const installation: GaugeSource[] = [];
  return {
    meter: createMeter(registry),
    addGauge(source) {
      if (source.of === 'installation') installation.push(source);
      else addProcessGauge(registry, source);
    },
    snapshot: () => registry.getMetricsAsJSON(),
    readInstallation: (own) =>
      own === undefined
        ? Promise.all(installation.map((source) => readGauge(source, source.read)))
        : Promise.all(
            installation.flatMap((source) => {
              const { readOf } = source;
              return readOf === undefined ? [] : [readGauge(source, () => readOf(own.namespace))];
            }),
          ),
    async text(others, ofInstallation, own) {
      const all = [await registry.getMetricsAsJSON(), ...others, ofInstallation];
      const seen = own === undefined ? all : all.map((metrics) => filterSeries(metrics, own));
      return AggregatorRegistry.aggregate(seen).metrics();
    },
    contentType: registry.contentType,
  };
}

function addProcessGauge(registry: Registry, { name, help, merge = 'sum', read }: GaugeSource): void {
  const gauge: Gauge = new Gauge({
    name,
    help,
    labelNames: LABELS,
    aggregator: merge,
    registers: [registry],
    async collect() {
      gauge.reset();
      for (const { labels, value } of await valuesOf(read)) gauge.set(labels ?? {}, value);
    },
  });
}

/** Reads a gauge into prom-client's JSON form. */
async function readGauge(
  { name, help, merge = 'sum' }: GaugeSource,
  read: GaugeSource['read'],
): Promise<object> {
  const values = (await valuesOf(read)).map(({ labels = {}, value }) => ({ labels, value }));
  return { name, help, type: 'gauge', aggregator: merge, values };
}

/** A gauge that fails has no values; the others are still reported. */
async function valuesOf(read: GaugeSource['read']): Promise<Value[]> {
  try {
    return await read();
  } catch {
    return [];
  }
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
