import type { FunctionName, Namespace, RequestId } from '../contract/ids.js';
import type { AttemptStatus, LogRecord } from '../contract/invocation.js';
import type { Bus, Unsubscribe } from '../ports/bus.js';
import type { Store } from '../ports/store.js';

/** A follower looks again after this long even if nobody told it of new rows. */
const FOLLOW_POLL_MS = 1000;
const FOLLOW_BATCH = 100;

export interface LogsRequest {
  namespace: Namespace;
  function: FunctionName;
  limit: number;
  /** Unix milliseconds. */
  since?: number;
  status?: AttemptStatus;
  requestId?: RequestId;
}

export interface FollowRequest extends Omit<LogsRequest, 'limit'> {
  /** Where an earlier stream ended; absent: from now on. */
  after?: string;
  signal: AbortSignal;
}

/** Records that follow one another, and the position to resume from. */
export interface LogBatch {
  records: LogRecord[];
  position: string;
}

/** Invocation logs, one record per attempt. They stay readable when their function is deleted. */
export interface Logs {
  /** Newest first; the position is where to follow on from. */
  read(request: LogsRequest): Promise<LogBatch>;
  /** Oldest first, as they come, until the signal. */
  follow(request: FollowRequest): AsyncIterable<LogBatch>;
}

/** Workers say on this channel that rows of functions were written: their names, by commas. */
export function logChannel(namespace: Namespace): string {
  return `logs:${namespace}`;
}

/** What is said on it of these functions. */
export function newsOf(functions: Iterable<FunctionName>): string {
  return [...functions].join(',');
}

export function isNewsOf(fn: FunctionName, message: string): boolean {
  return message.split(',').includes(fn);
}

export function createLogs({ store, bus }: { store: Store; bus: Bus }): Logs {
  return {
    read: (request) => store.attempts.logs(request),

    async *follow({ signal, after, ...request }) {
      let wake: () => void = () => undefined;
      let unsubscribe: Unsubscribe | null = null;
      let position = after ?? (await store.attempts.logs({ ...request, limit: 1 })).position;
      const aborted = () => wake();
      signal.addEventListener('abort', aborted, { once: true });
      try {
        let hasNewRows = false;
        unsubscribe = await bus.subscribe(logChannel(request.namespace), (message) => {
          if (!isNewsOf(request.function, message)) return;
          hasNewRows = true;
          wake();
        });
        while (!signal.aborted) {
          hasNewRows = false;
          const batch = await store.attempts.logs({ ...request, limit: FOLLOW_BATCH, after: position });
          position = batch.position;
          if (batch.records.length > 0) {
            yield batch;
            continue;
          }
          if (hasNewRows) continue;
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, FOLLOW_POLL_MS);
            wake = () => {
              clearTimeout(timer);
              resolve();
            };
            if (signal.aborted) wake();
          });
        }
      } finally {
        signal.removeEventListener('abort', aborted);
        await unsubscribe?.();
      }
    },
  };
}
