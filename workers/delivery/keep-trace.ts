import { messageOf } from '../../src/errors.js';
import type { Logger } from '../../src/logger.js';
import type { Delivery, Invocation } from '../../src/ports/queue.js';
import type { Store } from '../../src/ports/store.js';
import type { TraceRecorder } from './trace-recorder.js';

interface TracedDelivery extends Pick<Delivery, 'attempt'> {
  invocation: Pick<Invocation, 'id' | 'namespace' | 'function'>;
}

/** Stores the trace of an attempt. A failure is logged and does not affect the invocation. */
export async function keepTrace(
  { store, logger }: { store: Pick<Store, 'traces'>; logger: Pick<Logger, 'warn'> },
  { invocation: { id, namespace, function: name }, attempt }: TracedDelivery,
  recorder: TraceRecorder,
): Promise<void> {
  try {
    const trace = { request_id: id, attempt, ...recorder.finish() };
    await store.traces.put({ namespace, function: name, trace });
  } catch (error) {
    logger.warn({ request_id: id, err: messageOf(error) }, 'failed to store a trace');
  }
}
