import { cut } from './text.js';
import type { LogRecord } from './types.js';

/** The maximum number of lines in memory and in the page; older ones are dropped. */
export const MAX_LINES = 1000;

export interface LogLine {
  key: string;
  requestId: string;
  level: string;
  at: string;
  /** Shortened if it is long. */
  text: string;
}

/** The newest lines of a log, oldest first, and the number of those before them. */
export interface LogLines {
  lines: readonly LogLine[];
  dropped: number;
}

export const NO_LINES: LogLines = { lines: [], dropped: 0 };

/** Appends the lines of records, oldest first. Holds nothing of the lines that it drops. */
export function appended(old: LogLines, records: readonly LogRecord[]): LogLines {
  let { lines, dropped } = old;
  for (const record of records) {
    const { request_id: requestId, attempt, messages } = record;
    const first = Math.max(0, messages.length - MAX_LINES);
    const next = messages.slice(first).map(
      ({ level, message, timestamp }, index): LogLine => ({
        key: `${requestId} ${attempt} ${first + index}`,
        requestId,
        level,
        at: timestamp,
        text: cut(message),
      }),
    );
    const kept = lines.slice(Math.max(0, lines.length + next.length - MAX_LINES));
    dropped += first + lines.length - kept.length;
    lines = [...kept, ...next];
  }
  return { lines, dropped };
}

export function isEmptyLog({ lines }: LogLines): boolean {
  return lines.length === 0;
}
