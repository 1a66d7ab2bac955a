import type { Closable } from './closable.js';

export interface SpanStart {
  name: string;
  kind: 'server' | 'consumer' | 'internal' | 'client';
  /** W3C trace context of what caused it; without one a new trace begins. */
  parent?: string | undefined;
  /** Unix milliseconds; now when absent. */
  startedAt?: number;
  attributes?: Record<string, string | number>;
}

export interface Span {
  /**
   * W3C trace context for what this span causes; undefined when nothing is traced and nothing was
   * passed in.
   */
  readonly traceparent: string | undefined;
  /** Once; `error` is the sentence that says what went wrong. */
  end(error?: string | null): void;
}

/** Spans of OpenTelemetry. Never throws, never waits: what cannot be sent is dropped. */
export interface Tracer extends Closable {
  start(span: SpanStart): Span;
}
