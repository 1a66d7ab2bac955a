import type { FollowRequest, Logs } from '../../core/observability/logs.js';
import { stringifyWith } from '../../json/json-text.js';
import type { StoredLogRecord } from '../../ports/store/attempts.js';
import type { WriteEvents } from './event-stream.js';

export interface StreamRequest extends FollowRequest {
  /** Number of past records to send first. */
  past: number;
}

/** Writes log records as server-sent events, oldest first, until the client disconnects. */
export async function streamLogs(logs: Logs, write: WriteEvents, request: StreamRequest): Promise<void> {
  const { past, signal, ...filter } = request;
  let { after } = filter;
  if (after === undefined) {
    const page = await logs.read({ ...filter, limit: Math.max(past, 1) });
    after = page.position;
    const records = page.records.slice(0, past).toReversed();
    // A client that is disconnected before the first record resumes from here.
    await write(records.length === 0 ? `id: ${after}\n\n` : events(records, after));
  }
  const follow = { ...filter, signal, after };
  for await (const { records, position } of logs.follow(follow)) await write(events(records, position));
}

/**
 * Only the last event of a batch has an id: a client that resumes in the middle of a batch receives
 * its records again but misses none.
 */
function events(records: readonly StoredLogRecord[], position: string): string {
  return records
    .map((record, index) => {
      const id = index === records.length - 1 ? `id: ${position}\n` : '';
      return `${id}data: ${stringifyWith(record)}\n\n`;
    })
    .join('');
}
