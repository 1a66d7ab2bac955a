import { messageOf } from '../../src/errors.js';
import type { Logger } from '../../src/logger.js';
import type { Delivery } from '../../src/ports/queue.js';
import type { Store } from '../../src/ports/store.js';
import type { TraceRecorder } from './trace-recorder.js';

/** Stores the trace of an attempt. A failure is logged and does not affect the invocation. */
export async function keepTrace(
  { store, logger }: { store: Store; logger: Logger },
  { invocation, attempt }: Delivery,
  recorder: TraceRecorder,
): Promise<void> {
  const { id, namespace, function: name } = invocation;
  const trace = { request_id: id, attempt, ...recorder.finish() };
  await store.traces.put({ namespace, function: name, trace }).catch((error: unknown) => {
    logger.warn({ request_id: id, err: messageOf(error) }, 'failed to store a trace');
  });
}
