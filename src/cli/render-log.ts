import type { LogLevel, LogRecord } from '../contract/invocation.js';
import { oneLine, type Terminal } from './terminal.js';

/** Formats an attempt as a headline with its messages below. */
export function renderLog(colors: Terminal['colors'], record: LogRecord): string {
  const paint = record.status === 'success' ? colors.green : colors.red;
  const attempt = record.attempt > 1 ? ` attempt ${record.attempt}` : '';
  const http = httpText(record);
  const head =
    `${colors.dim(oneLine(record.started_at))} ${paint(record.status)}${attempt} ${record.trigger}${oneLine(http)} ` +
    `v${record.version} ${record.duration_ms} ms ${colors.dim(record.request_id)}`;
  const messages = record.messages.map(
    (message) =>
      `  ${colors.dim(oneLine(message.timestamp))} ${level(colors, message.level)} ${indented(message.message)}`,
  );
  const error = record.error === null ? [] : [`  ${colors.red(indented(record.error))}`];
  return [head, ...messages, ...error].join('\n');
}

/**
 * Formats the request of an HTTP function: ` GET /users/{id} 200`. The status is omitted if no
 * response was sent.
 */
function httpText({ method, route, http_status: status }: LogRecord): string {
  if (method === undefined) return '';
  return ` ${route ?? `${method} (own address)`}${typeof status === 'number' ? ` ${status}` : ''}`;
}

/** Indents line breaks of guest output, so that it cannot imitate a record or message. */
function indented(text: string): string {
  return text.replace(/\r?\n/g, '\n    ');
}

function level(colors: Terminal['colors'], name: LogLevel): string {
  const paint = { debug: colors.dim, info: colors.cyan, warn: colors.yellow, error: colors.red }[name];
  return paint(name.padEnd(5));
}
