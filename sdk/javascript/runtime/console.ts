import { type LogLevel, log, monotonic } from './host.js';
import { format, inspect } from './values.js';

const started = new Map<string, number>();
const counts = new Map<string, number>();
let indent = '';

function write(level: LogLevel, values: readonly unknown[]): void {
  const text = format(values);
  log(level, indent === '' ? text : indent + text.replaceAll('\n', `\n${indent}`));
}

const at =
  (level: LogLevel) =>
  (...values: unknown[]) =>
    write(level, values);

function elapsed(label: string): string {
  const from = started.get(label);
  return from === undefined ? `no timer "${label}"` : `${label}: ${(monotonic() - from).toFixed(3)}ms`;
}

/** `console`, which writes to the invocation's log by level. */
export const console = {
  debug: at('debug'),
  log: at('info'),
  info: at('info'),
  warn: at('warn'),
  error: at('error'),
  dir: (value: unknown) => write('info', [inspect(value)]),
  table: (value: unknown) => write('info', [inspect(value)]),
  trace: (...values: unknown[]) => {
    const { stack } = new Error();
    write('debug', [`Trace: ${format(values)}\n${(stack ?? '').split('\n').slice(2).join('\n')}`]);
  },
  assert: (condition: unknown, ...values: unknown[]) => {
    if (condition) return;
    const [first, ...rest] = values;
    write('error', values.length === 0 ? ['Assertion failed'] : [`Assertion failed: ${first}`, ...rest]);
  },
  count: (label = 'default') => {
    const count = (counts.get(label) ?? 0) + 1;
    counts.set(label, count);
    write('info', [`${label}: ${count}`]);
  },
  countReset: (label = 'default') => void counts.delete(label),
  group: (...values: unknown[]) => {
    if (values.length > 0) write('info', values);
    indent += '  ';
  },
  groupCollapsed: (...values: unknown[]) => console.group(...values),
  groupEnd: () => {
    indent = indent.slice(2);
  },
  time: (label = 'default') => void started.set(label, monotonic()),
  timeLog: (label = 'default', ...values: unknown[]) => write('info', [elapsed(label), ...values]),
  timeEnd: (label = 'default') => {
    write('info', [elapsed(label)]);
    started.delete(label);
  },
};
