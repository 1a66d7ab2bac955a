import { setTimeout as sleep } from 'node:timers/promises';
import { logsReplySchema } from '../contract/http/logs.js';
import { type LogRecord, logRecordSchema } from '../contract/invocation.js';
import { isAppError } from '../errors.js';
import type { Client, QueryParameters } from './client.js';
import { renderLog } from './render-log.js';
import type { Terminal } from './terminal.js';

export interface Following {
  client: Client;
  terminal: Terminal;
  path: string;
  query: QueryParameters;
  /** Records that are printed first, oldest first. */
  seen: readonly LogRecord[];
  signal: AbortSignal;
}

const POLL_MS = 1000;

/**
 * Prints log records as they arrive until the signal is aborted. Uses server-sent events, or
 * polling if the server does not offer them.
 */
export async function followLogs({ client, terminal, path, query, seen, signal }: Following): Promise<void> {
  const printed = new Set<string>();
  // Without `since`, the stream would start with all stored records.
  let since = seen.at(-1)?.started_at ?? query.since ?? new Date().toISOString();
  let lastId: string | undefined;

  function print(record: LogRecord): void {
    const key = `${record.request_id}/${record.attempt}`;
    if (printed.has(key)) return;
    printed.add(key);
    if (record.started_at > String(since)) since = record.started_at;
    terminal.line(terminal.json ? JSON.stringify(record) : renderLog(terminal.colors, record));
  }

  for (const record of seen) print(record);
  while (!signal.aborted) {
    try {
      const events = await client.follow(path, { ...query, since, limit: undefined }, signal, lastId);
      if (events === null) {
        const reply = await client.call('GET', path, { query: { ...query, since } });
        for (const record of logsReplySchema.parse(reply).logs.reverse()) print(record);
      } else {
        for await (const event of events) {
          lastId = event.id ?? lastId;
          const record = logRecordSchema.safeParse(JSON.parse(event.data));
          if (record.success) print(record.data);
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      // Retry while the server restarts; other errors are final.
      if (isAppError(error) && error.code !== 'unavailable') throw error;
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}
