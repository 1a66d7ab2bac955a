import type { Closable } from './closable.js';

export interface SpanStart {
  name: string;
  kind: 'server' | 'consumer' | 'internal' | 'client';
  /** W3C trace context of the parent; without one a new trace begins. */
  parent?: string | undefined;
  /** Unix milliseconds; default now. */
  startedAt?: number;
  attributes?: Readonly<Record<string, string | number>>;
}

export interface Span {
  /**
   * W3C trace context for child spans; undefined if tracing is disabled and no parent was given.
   */
  readonly traceparent: string | undefined;
  /**
   * Ends the span; call it once. `error` is a message if the operation failed; the attributes are
   * those known only now.
   */
  end(error?: string | null, attributes?: SpanStart['attributes']): void;
}

/** Creates OpenTelemetry spans. Never throws or waits; spans that cannot be sent are dropped. */
export interface Tracer extends Closable {
  start(span: SpanStart): Span;
}
