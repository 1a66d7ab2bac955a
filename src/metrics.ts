import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Meter } from './ports/meter.js';

/** A figure that is asked for when the metrics are read. */
export interface Reading {
  name: string;
  help: string;
  /** `process`: each process has its own, and they add up. `installation`: every process sees the same one. */
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
  /** The Prometheus text of this process, the given snapshots of others, and what all share. */
  text(others: readonly object[][]): Promise<string>;
  readonly contentType: string;
}

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

  return {
    meter: {
      accepted: (trigger, count) => accepted.inc({ trigger }, count),
      attempted: ({ namespace, function: name, status, seconds }) =>
        duration.observe({ namespace, function: name, status }, seconds),
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
    async text(others) {
      const own = await registry.getMetricsAsJSON();
      const merged = AggregatorRegistry.aggregate([own, ...others]);
      return `${await merged.metrics()}\n${await shared.metrics()}`;
    },
    contentType: registry.contentType,
  };
}
