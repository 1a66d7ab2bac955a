import { once } from 'node:events';
import type { PassThrough } from 'node:stream';
import type { LogRecord } from '../contract/invocation.js';
import type { FollowRequest, Logs } from '../core/logs.js';

/** Proxies cut connections on which nothing happens. */
const HEARTBEAT_MS = 15_000;

export interface StreamRequest extends FollowRequest {
  /** How many records of the past come first. */
  past: number;
}

/** Writes log records as server-sent events, oldest first, until the client goes. Never rejects. */
export async function streamLogs(logs: Logs, stream: PassThrough, request: StreamRequest): Promise<void> {
  const { past, signal, ...filter } = request;
  const write = async (text: string) => {
    if (!stream.write(text)) await once(stream, 'drain', { signal });
  };
  const heartbeat = setInterval(() => stream.write(': still here\n\n'), HEARTBEAT_MS);
  try {
    // At once, so that the client knows that it is connected.
    await write(': connected\n\n');
    let { after } = filter;
    if (past > 0) {
      const page = await logs.read({ ...filter, limit: past });
      after = page.position;
      await write(events(page.records.toReversed(), page.position));
    }
    const follow = { ...filter, signal, ...(after === undefined ? {} : { after }) };
    for await (const { records, position } of logs.follow(follow)) await write(events(records, position));
  } catch {
    // The client is gone, or the store is away: either way the client connects again and resumes.
  } finally {
    clearInterval(heartbeat);
    stream.end();
  }
}

/**
 * A position counts for a whole batch: whoever resumes within one gets its records again, and
 * misses none.
 */
function events(records: readonly LogRecord[], position: string): string {
  return records
    .map((record, index) => {
      const id = index === records.length - 1 ? `id: ${position}\n` : '';
      return `${id}data: ${JSON.stringify(record)}\n\n`;
    })
    .join('');
}
