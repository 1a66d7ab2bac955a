import { randomBytes } from 'node:crypto';
import { sharedWhilePending } from '../concurrency/shared-while-pending.js';
import { parseTraceparent } from '../contract/traceparent.js';
import { VERSION } from '../package.js';
import type { Span, SpanStart, Tracer } from '../ports/tracer.js';

const EVERY_MS = 1000;
const BATCH = 512;
/**
 * Maximum number of buffered spans. Further ones are dropped, so that an unreachable collector does
 * not exhaust memory.
 */
const MAX_PENDING_SPANS = 4096;
const TIMEOUT_MS = 5000;

const KINDS = { internal: 1, server: 2, client: 3, consumer: 5 } as const;
const STATUS_ERROR = 2;

interface Attribute {
  key: string;
  /** In the JSON of Protocol Buffers, 64-bit integers are strings. */
  value: { stringValue: string } | { intValue: string } | { doubleValue: number };
}

/** A span in OTLP/JSON format. */
interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attribute[];
  status: { code?: number; message?: string };
}

/**
 * Opens a tracer for OTLP over HTTP with JSON: batches of spans are POSTed to
 * `<endpoint>/v1/traces` and dropped if the collector does not accept them.
 */
export function openOtlpTracer(endpoint: string): Tracer {
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  let waiting: OtlpSpan[] = [];

  const flush = sharedWhilePending(async () => {
    while (waiting.length > 0) {
      const spans = waiting.slice(0, BATCH);
      waiting = waiting.slice(BATCH);
      try {
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(payload(spans)),
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        await response.arrayBuffer();
      } catch {
        // The collector is unreachable: this batch is dropped, and the next flush sends the spans
        // that have arrived since.
        break;
      }
    }
  });
  const timer = setInterval(flush, EVERY_MS).unref();

  return {
    start(given) {
      const parent = parseTraceparent(given.parent ?? '');
      // The caller's sampled flag is not set (W3C Trace Context §3.2.2.5).
      if (parent?.isSampled === false) return { traceparent: given.parent, end: () => undefined };
      const traceId = parent?.traceId ?? newId(16);
      const spanId = newId(8);
      const startedAt = given.startedAt ?? Date.now();
      let ended = false;
      return {
        traceparent: `00-${traceId}-${spanId}-01`,
        end(error, attributes) {
          if (ended || waiting.length >= MAX_PENDING_SPANS) return;
          ended = true;
          waiting.push({
            traceId,
            spanId,
            ...(parent === null ? {} : { parentSpanId: parent.spanId }),
            name: given.name,
            kind: KINDS[given.kind],
            startTimeUnixNano: nanoseconds(startedAt),
            endTimeUnixNano: nanoseconds(Date.now()),
            attributes: attributesOf({ ...given.attributes, ...attributes }),
            status: error ? { code: STATUS_ERROR, message: error } : {},
          });
        },
      } satisfies Span;
    },
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}

function payload(spans: readonly OtlpSpan[]): object {
  return {
    resourceSpans: [
      {
        resource: {
          attributes: attributesOf({ 'service.name': 'orama-functions', 'service.version': VERSION }),
        },
        scopeSpans: [{ scope: { name: 'orama-functions', version: VERSION }, spans }],
      },
    ],
  };
}

function attributesOf(values: NonNullable<SpanStart['attributes']>): Attribute[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value: typedValue(value),
  }));
}

function typedValue(value: string | number): Attribute['value'] {
  if (typeof value === 'string') return { stringValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

function nanoseconds(milliseconds: number): string {
  return String(BigInt(Math.round(milliseconds)) * 1_000_000n);
}

function newId(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
