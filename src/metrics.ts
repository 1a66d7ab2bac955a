import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { z } from 'zod';
import type { Meter, NamespaceSeries } from './ports/meter.js';

/** A figure that is asked for when the metrics are read. */
export interface Reading {
  name: string;
  help: string;
  /**
   * `process`: each process has its own, and they add up. `installation`: every process sees the
   * same one.
   */
  of: 'process' | 'installation';
  /** How those of several processes become one; `sum` when absent. */
  merge?: 'sum' | 'max';
  /** Values by label; one without labels has none. */
  read(): Promise<Value[]> | Value[];
}

export interface Value {
  labels?: Partial<Record<Label, string>>;
  value: number;
}

const LABELS = ['state', 'reason', 'kind', 'namespace'] as const;
type Label = (typeof LABELS)[number];

export interface Metrics {
  meter: Meter;
  /** Adds a figure of a part of this process, or of what all share. */
  addReading(reading: Reading): void;
  /** This process's own figures as JSON, to be merged with those of others. */
  snapshot(): Promise<object[]>;
  /**
   * The Prometheus text of this process, the given snapshots of others, and what all share; with
   * `only`, of series that are a namespace's and are let through.
   */
  text(others: readonly object[][], only?: (series: NamespaceSeries) => boolean): Promise<string>;
  readonly contentType: string;
}

/**
 * Functions whose attempts are told apart in one process, and those of one namespace; any more come
 * under one name, as there is no end to names. A namespace that makes more and more names has no
 * part in the series of others.
 */
const MAX_FUNCTIONS = 1000;
const MAX_FUNCTIONS_EACH = 500;
export const OTHERS = '(others)';

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const shared = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const accepted = new Counter({
    name: 'orama_invocations_accepted_total',
    help: 'Invocations made durable on the queue, by trigger.',
    labelNames: ['trigger'],
    registers,
  });
  const duration = new Histogram({
    name: 'orama_attempt_duration_seconds',
    help: 'How long attempts ran, by function and status.',
    labelNames: ['namespace', 'function', 'status'],
    buckets: SECONDS,
    registers,
  });
  const ended = new Counter({
    name: 'orama_invocations_ended_total',
    help: 'Invocations that are over, by the state they ended in and, for dead ones, the reason.',
    labelNames: ['state', 'reason'],
    registers,
  });
  const hostCalls = new Counter({
    name: 'orama_host_calls_total',
    help: 'Host calls of guests, by function and whether they succeeded.',
    labelNames: ['call', 'ok'],
    registers,
  });

  const told = new Map<string, Set<string>>();
  let toldOfAll = 0;
  /** The labels under which a function is counted. */
  const labelsOf = (namespace: string, name: string) => {
    const own = told.get(namespace) ?? new Set();
    if (own.has(name)) return { namespace, function: name };
    if (toldOfAll >= MAX_FUNCTIONS) {
      return own.size > 0 ? { namespace, function: OTHERS } : { namespace: OTHERS, function: OTHERS };
    }
    if (own.size >= MAX_FUNCTIONS_EACH) return { namespace, function: OTHERS };
    own.add(name);
    told.set(namespace, own);
    toldOfAll += 1;
    return { namespace, function: name };
  };

  return {
    meter: {
      accepted: (trigger, count) => accepted.inc({ trigger }, count),
      attempted: ({ namespace, function: name, status, seconds }) =>
        duration.observe({ ...labelsOf(namespace, name), status }, seconds),
      ended: (state, reason) => ended.inc({ state, reason: reason ?? '' }),
      hostCalled: (call, ok) => hostCalls.inc({ call, ok: String(ok) }),
    },
    addReading({ name, help, of, merge = 'sum', read }) {
      const gauge: Gauge = new Gauge({
        name,
        help,
        labelNames: LABELS,
        aggregator: merge,
        registers: [of === 'process' ? registry : shared],
        async collect() {
          gauge.reset();
          // A part that is away leaves its figure out and the others in.
          const values = await Promise.resolve(read()).catch(() => []);
          for (const { labels, value } of values) gauge.set(labels ?? {}, value);
        },
      });
    },
    snapshot: () => registry.getMetricsAsJSON(),
    async text(others, only) {
      const own = await registry.getMetricsAsJSON();
      const all: object[][] = [own, ...others];
      if (only === undefined) {
        const merged = AggregatorRegistry.aggregate(all);
        return `${await merged.metrics()}\n${await shared.metrics()}`;
      }
      const ofAll = await shared.getMetricsAsJSON();
      const merged = AggregatorRegistry.aggregate(all.map((metrics) => letThrough(metrics, only)));
      const rest = AggregatorRegistry.aggregate([letThrough(ofAll, only)]);
      return `${await merged.metrics()}\n${await rest.metrics()}`;
    },
    contentType: registry.contentType,
  };
}

const seriesSchema = z.looseObject({
  values: z.array(z.looseObject({ labels: z.record(z.string(), z.union([z.string(), z.number()])) })),
});

/**
 * Of metrics as JSON, the series that `only` lets through; those without a namespace are
 * everybody's, and so nobody's own.
 */
function letThrough(metrics: readonly object[], only: (series: NamespaceSeries) => boolean): object[] {
  return metrics.flatMap((metric) => {
    const parsed = seriesSchema.parse(metric);
    const values = parsed.values.filter(({ labels: { namespace, function: name } }) => {
      if (namespace === undefined) return false;
      return only({ namespace: String(namespace), function: name === undefined ? undefined : String(name) });
    });
    return values.length === 0 ? [] : [{ ...parsed, values }];
  });
}
