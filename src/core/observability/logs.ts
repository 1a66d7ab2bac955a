import { FairLimiter, type FairLimits } from '../../concurrency/fair-limiter.js';
import type { FunctionName, Namespace, RequestId } from '../../contract/ids.js';
import type { AttemptStatus } from '../../contract/invocation.js';
import type { Bus } from '../../ports/bus.js';
import type { StoredLogRecord } from '../../ports/store/attempts.js';
import type { Store } from '../../ports/store.js';
import { pollOnMessage } from '../poll-on-message.js';

/** Interval at which a follower polls, in case a notification was lost. */
const FOLLOW_POLL_MS = 1000;
const FOLLOW_BATCH = 100;
/**
 * Reads of followers at once. One notice wakes all followers of a function, of which a namespace
 * may have thousands: their reads must not wait in front of those of others.
 */
const FOLLOW_READS: FairLimits = { each: 2, all: 16 };

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
  /** Position at which an earlier stream ended. Default: the current end. */
  after?: string;
  signal: AbortSignal;
}

/** Consecutive records with the position to resume from. */
export interface LogBatch {
  records: StoredLogRecord[];
  position: string;
}

/**
 * Invocation logs with one record per attempt. They remain readable after their function has been
 * deleted.
 */
export interface Logs {
  /** Resolves with records, newest first, and the position from which to follow. */
  read(request: LogsRequest): Promise<LogBatch>;
  /** Yields records as they arrive, oldest first, until the signal is aborted. */
  follow(request: FollowRequest): AsyncIterable<LogBatch>;
}

/** Bus channel on which workers publish the names of functions with new log rows. */
export function logChannel(namespace: Namespace): string {
  return `logs:${namespace}`;
}

/** Encodes the function names as a message of that channel, separated by commas. */
export function encodeLogNotice(functions: Iterable<FunctionName>): string {
  return [...functions].join(',');
}

export function logNoticeNames(fn: FunctionName, message: string): boolean {
  return message.split(',').includes(fn);
}

export function createLogs({ store, bus }: { store: Store; bus: Bus }): Logs {
  const reads = new FairLimiter(FOLLOW_READS);
  return {
    read: (request) => store.attempts.logs(request),

    async *follow({ signal, after, ...request }) {
      let position = after ?? (await store.attempts.logs({ ...request, limit: 1 })).position;
      const polls = pollOnMessage(bus, logChannel(request.namespace), {
        isRelevant: (message) => logNoticeNames(request.function, message),
        minIntervalMs: 0,
        maxIntervalMs: FOLLOW_POLL_MS,
        signal,
      });
      for await (const _ of polls) {
        while (!signal.aborted) {
          const next = { ...request, limit: FOLLOW_BATCH, after: position };
          const batch = await reads.run(request.namespace, () => store.attempts.logs(next));
          position = batch.position;
          if (batch.records.length === 0) break;
          yield batch;
        }
      }
    },
  };
}
