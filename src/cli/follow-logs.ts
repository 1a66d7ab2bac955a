import { setTimeout as sleep } from 'node:timers/promises';
import { logsReplySchema } from '../contract/http/logs.js';
import { type LogRecord, logRecordSchema } from '../contract/invocation.js';
import { isAppError, messageOf } from '../errors.js';
import type { Client, QueryParameters } from './client.js';
import { renderLog } from './render-log.js';
import type { Terminal } from './terminal.js';

export interface Following {
  client: Client;
  terminal: Terminal;
  path: string;
  /** With `limit` or `since`, past records are printed first. */
  query: QueryParameters;
  signal: AbortSignal;
}

const POLL_MS = 1000;
/** More than a stream repeats when it is resumed. */
const MAX_REMEMBERED = 5000;

/**
 * Prints log records as they arrive until the signal is aborted. Uses server-sent events, or
 * polling if the server does not offer them.
 */
export async function followLogs({ client, terminal, path, query, signal }: Following): Promise<void> {
  const printed = new Set<string>();
  let lastId: string | undefined;

  function print(record: LogRecord): void {
    const key = `${record.request_id}/${record.attempt}`;
    if (printed.has(key)) return;
    printed.add(key);
    const [oldest = ''] = printed;
    if (printed.size > MAX_REMEMBERED) printed.delete(oldest);
    terminal.line(terminal.json ? JSON.stringify(record) : renderLog(terminal.colors, record));
  }

  let hasConnected = false;
  let isConnected = false;
  while (!signal.aborted) {
    try {
      // Resumed by position and never by a time of start: runs end in another order than they
      // start.
      const events = await client.follow(path, query, signal, lastId);
      hasConnected = true;
      isConnected = true;
      if (events === null) {
        const reply = await client.call('GET', path, { query });
        for (const record of logsReplySchema.parse(reply).logs.reverse()) print(record);
      } else {
        for await (const event of events) {
          lastId = event.id ?? lastId;
          if (event.data === undefined) continue;
          const record = logRecordSchema.safeParse(JSON.parse(event.data));
          if (record.success) print(record.data);
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      // Retry while the server restarts; other errors are final.
      if (!hasConnected || (isAppError(error) && error.code !== 'unavailable')) throw error;
      if (isConnected) terminal.progress('The engine does not answer; reconnecting');
      isConnected = false;
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * Returns a function that prints the log of a function since a time of the engine. Further calls
 * for the same function have no effect, unless following it has failed.
 */
export function logFollower(
  options: Pick<Following, 'client' | 'terminal' | 'signal'>,
): (name: string, since: string) => void {
  const followed = new Set<string>();
  return (name, since) => {
    if (followed.has(name)) return;
    followed.add(name);
    const path = `/v1/functions/${encodeURIComponent(name)}/logs`;
    followLogs({ ...options, path, query: { since } }).catch((error: unknown) => {
      followed.delete(name);
      options.terminal.problem(`error: ${messageOf(error)}`);
    });
  };
}
