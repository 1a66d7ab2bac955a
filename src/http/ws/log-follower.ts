import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestId } from '../../contract/ids.js';
import type { LogMessage } from '../../contract/invocation.js';
import type { FollowRequest, Logs } from '../../core/observability/logs.js';
import type { StoredLogRecord } from '../../ports/store/attempts.js';

/**
 * How long a reply waits for its log lines, which become durable shortly after it. The store may be
 * unreachable.
 */
const TIMEOUT_MS = 2000;
/** The pause after the log could not be read, in milliseconds. */
const RETRY_MS = 500;

export interface LogFollower {
  /** Registers an invocation of this socket, whose lines are to be sent. */
  expect(id: RequestId): void;
  /** Resolves when the lines of `attempts` attempts have been sent, or after a timeout. */
  caughtUp(id: RequestId, attempts: number): Promise<void>;
}

interface Expected {
  attempts: number;
  wanted: number;
  done: () => void;
}

/**
 * Sends the log lines of a socket's invocations as `{request_id, log, level}`, attempt by attempt
 * as they become durable and all of them before the reply. One stream serves all invocations of the
 * socket.
 */
export function followLogs(
  logs: Logs,
  request: FollowRequest,
  send: (frame: Record<string, unknown>) => void,
): LogFollower {
  const expected = new Map<string, Expected>();

  const sendLines = (records: readonly StoredLogRecord[]) => {
    for (const record of records) {
      const invocation = expected.get(record.request_id);
      if (!invocation) continue;
      for (const { level, message } of JSON.parse(record.messages.text) as LogMessage[]) {
        send({ request_id: record.request_id, log: message, level });
      }
      invocation.attempts += 1;
      if (invocation.attempts >= invocation.wanted) invocation.done();
    }
  };
  // While the store is unreachable, replies are sent without their lines.
  void followAgain(logs, request, sendLines);

  return {
    expect(id) {
      expected.set(id, { attempts: 0, wanted: Number.POSITIVE_INFINITY, done: () => undefined });
    },
    caughtUp(id, attempts) {
      return new Promise((resolve) => {
        const invocation = expected.get(id);
        const done = () => {
          clearTimeout(timer);
          expected.delete(id);
          resolve();
        };
        const timer = setTimeout(done, TIMEOUT_MS);
        if (!invocation || invocation.attempts >= attempts) return done();
        invocation.wanted = attempts;
        invocation.done = done;
      });
    },
  };
}

/**
 * Follows the log until the signal is aborted, and after a failure again from the last position.
 */
async function followAgain(
  logs: Logs,
  { after, signal, ...request }: FollowRequest,
  onRecords: (records: readonly StoredLogRecord[]) => void,
): Promise<void> {
  let from = after;
  while (!signal.aborted) {
    try {
      for await (const { records, position } of logs.follow({
        ...request,
        signal,
        ...(from === undefined ? {} : { after: from }),
      })) {
        from = position;
        onRecords(records);
      }
    } catch {
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
