import type { LogLevel, LogRecord } from '../contract/invocation.js';
import type { Terminal } from './terminal.js';

/** An attempt as a headline and its messages below: readable by people, greppable line by line. */
export function renderLog(colors: Terminal['colors'], record: LogRecord): string {
  const paint = record.status === 'success' ? colors.green : colors.red;
  const attempt = record.attempt > 1 ? ` attempt ${record.attempt}` : '';
  const http = httpText(record);
  const head =
    `${colors.dim(record.started_at)} ${paint(record.status)}${attempt} ${record.trigger}${http} ` +
    `v${record.version} ${record.duration_ms} ms ${colors.dim(record.request_id)}`;
  const messages = record.messages.map(
    (message) =>
      `  ${colors.dim(message.timestamp)} ${level(colors, message.level)} ${indented(message.message)}`,
  );
  const error = record.error === null ? [] : [`  ${colors.red(indented(record.error))}`];
  return [head, ...messages, ...error].join('\n');
}

/** Of an HTTP function: ` GET /users/{id} 200`; without a status when no client was answered. */
function httpText({ method, route, http_status: status }: LogRecord): string {
  if (method === undefined) return '';
  return ` ${route ?? `${method} (own address)`}${typeof status === 'number' ? ` ${status}` : ''}`;
}

/** A guest's line break must not begin what looks like a record or message of its own. */
function indented(text: string): string {
  return text.replace(/\r?\n/g, '\n    ');
}

function level(colors: Terminal['colors'], name: LogLevel): string {
  const paint = { debug: colors.dim, info: colors.cyan, warn: colors.yellow, error: colors.red }[name];
  return paint(name.padEnd(5));
}
