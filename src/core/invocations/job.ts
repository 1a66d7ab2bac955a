import type { FunctionVersion } from '../../contract/function.js';
import type { RequestId } from '../../contract/ids.js';
import type { Invocation, QueuedInvocation } from '../../ports/queue.js';
import { uuidv7 } from '../../uuid.js';

/** Fields that are the same for every invocation of a version, pinned when the job is accepted. */
type FromVersion = 'namespace' | 'function' | 'functionId' | 'version';

/** The other fields of a new invocation. */
export type JobRequest = Omit<Invocation, FromVersion>;

/**
 * Returns an invocation of this version as the queue takes it: attempts = 1 + `retry.count`,
 * backoff = `retry.delay`.
 */
export function jobOf(fn: FunctionVersion, invocation: JobRequest, delayMs = 0): QueuedInvocation {
  return {
    // The spread must come last: in V8, adding properties to a copied object is twenty times slower
    // than copying into an existing literal.
    invocation: {
      namespace: fn.namespace,
      function: fn.name,
      functionId: fn.id,
      version: fn.version,
      ...invocation,
    },
    attempts: 1 + fn.retry_count,
    backoff: { type: fn.metadata.retry_backoff, delayMs: fn.retry_delay_seconds * 1000 },
    delayMs,
  };
}

/** Generates the id of an invocation. The cast is safe without parsing. */
export function newRequestId(): RequestId {
  return uuidv7() as RequestId;
}
