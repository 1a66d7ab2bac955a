import { randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import pc from 'picocolors';
import stringWidth from 'string-width';
import * as z from 'zod';
import { AppError } from '../errors.js';
import { JsonText } from '../json/json-text.js';
import { createLiveLine } from './live-line.js';

type Paint = (text: string) => string;
type Colors = Readonly<Record<'dim' | 'red' | 'green' | 'yellow' | 'cyan', Paint>>;
type Stream = Writable & { isTTY?: boolean };

/** `table` for people, `json` for one document, `ndjson` for one JSON value per line. */
export const OUTPUT_FORMATS = ['table', 'json', 'ndjson'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** An activity indicator on the terminal, shown until `end` is called. */
export interface Activity {
  update(text: string): void;
  end(): void;
}

/**
 * Output of commands. Terminals get tables, colours and progress; pipes and files get plain lines
 * or JSON. Except for JSON and `bytes`, control characters and escape sequences in the text are
 * escaped; only the colours of `colors` are written as such.
 */
export interface Terminal {
  /** True if the format is `json` or `ndjson`. */
  readonly json: boolean;
  /** True if stdout is a terminal. */
  readonly isTerminal: boolean;
  readonly colors: Colors;
  /** Prints a reply of the server: verbatim as JSON, otherwise as formatted by `render`. */
  show<S extends z.ZodType>(reply: unknown, schema: S, render: (value: z.output<S>) => string): void;
  /** Like `show`, for a reply with a list under `key`; `ndjson` prints one item per line. */
  list<S extends z.ZodType>(
    reply: unknown,
    schema: S,
    key: keyof z.output<S> & string,
    render: (value: z.output<S>) => string,
  ): void;
  /** Prints a value as JSON: on one line for `ndjson`, otherwise indented. */
  value(value: unknown): void;
  /** Prints a line to stdout. */
  line(text: string): void;
  /** Writes bytes to stdout: unchanged to a pipe or file, escaped to a terminal. */
  bytes(data: Uint8Array): void;
  /** Prints progress to stderr if it is a terminal. */
  progress(text: string): void;
  /** Shows a line on stderr, redrawn in place with the elapsed seconds, if stderr is a terminal. */
  activity(text: string): Activity;
  /** Prints an error to stderr. */
  problem(text: string): void;
  /**
   * Formats aligned columns with a header for a terminal or if `table` was requested, and otherwise
   * tab-separated values without a header.
   */
  table(header: readonly string[], rows: readonly (readonly string[])[]): string;
}

export interface TerminalStreams {
  stdin: Readable & { isTTY?: boolean };
  stdout: Stream;
  stderr: Stream;
}

/** Creates a terminal. Without a format, it depends on whether stdout is a terminal. */
export function createTerminal(streams: TerminalStreams, format?: OutputFormat): Terminal {
  const { stdout, stderr } = streams;
  const json = format === 'json' || format === 'ndjson';
  const isTerminal = stdout.isTTY === true && !json;
  const isWatched = stderr.isTTY === true && !json;
  const { colors, render } = createPainter(isTerminal && pc.isColorSupported);
  const live = createLiveLine(stderr);
  const write = (stream: Stream, text: string | Uint8Array) => live.above(() => stream.write(text));
  const writeValue = (value: unknown) => write(stdout, `${jsonWith(value, format === 'ndjson' ? 0 : 2)}\n`);
  const writeText = (text: string) => {
    if (text !== '') write(stdout, `${render(text)}\n`);
  };
  return {
    json,
    isTerminal,
    colors,
    show(reply, schema, describe) {
      if (json) writeValue(reply);
      else writeText(describe(understood(reply, schema)));
    },
    list(reply, schema, key, describe) {
      if (format === 'ndjson') for (const item of itemsOf(reply, key)) writeValue(item);
      else this.show(reply, schema, describe);
    },
    value: writeValue,
    line(text) {
      write(stdout, `${json ? text : render(text)}\n`);
    },
    bytes(data) {
      write(stdout, isTerminal ? printable(Buffer.from(data).toString()) : data);
    },
    progress(text) {
      if (isWatched) write(stderr, `${render(text)}\n`);
    },
    activity(text) {
      return isWatched ? live.begin(text, render) : { update: () => {}, end: () => {} };
    },
    problem(text) {
      write(stderr, `${render(text)}\n`);
    },
    table(header, rows) {
      const plain = rows.map((row) => row.map(oneLine));
      return isTerminal || format === 'table' ? alignedTable(header, plain, colors.dim) : tabbed(plain);
    },
  };
}

/** Serializes a value, of which parts may be `JsonText`, which are inserted verbatim. */
function jsonWith(value: unknown, indent: number): string {
  const mark = randomUUID();
  const texts: string[] = [];
  const json = JSON.stringify(
    value,
    (_key, part: unknown) => (part instanceof JsonText ? `${mark}${texts.push(part.text) - 1}.` : part),
    indent,
  );
  return texts.reduce((all, text, at) => all.replace(`"${mark}${at}."`, () => text), json);
}

function itemsOf(reply: unknown, key: string): readonly unknown[] {
  const schema = z.looseObject({ [key]: z.array(z.unknown()) });
  return understood(reply, schema)[key] ?? [];
}

function understood<S extends z.ZodType>(reply: unknown, schema: S): z.output<S> {
  const parsed = schema.safeParse(reply);
  if (parsed.success) return parsed.data;
  const sentence =
    'The server answered with something that this version does not know; is it another version?';
  throw new AppError('internal', sentence, { cause: parsed.error });
}

function tabbed(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => row.join('\t')).join('\n');
}

function alignedTable(header: readonly string[], rows: readonly (readonly string[])[], paint: Paint): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => stringWidth(row[column] ?? ''))),
  );
  const aligned = (row: readonly string[]) =>
    row
      .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - stringWidth(cell))))
      .join('  ')
      .trimEnd();
  return [paint(aligned(header)), ...rows.map(aligned)].join('\n');
}

/** Ends the line of a prompt that was left without an answer. */
export function endLine(): void {
  process.stderr.write('\n');
}

/**
 * Writes untrusted text, escaped, where no `Terminal` exists yet: beside a prompt, or before the
 * command is known.
 */
export function writePrintable(stream: Writable, text: string): void {
  stream.write(printable(text));
}

/**
 * Removes line breaks and tabs from a cell, so that guest data cannot imitate another row or
 * column.
 */
export function oneLine(cell: string): string {
  return printable(cell.replace(/[\t\r\n]+/g, ' '));
}

/**
 * Escapes untrusted text for a terminal: characters that could move the cursor, change the
 * terminal's state or reorder text are written as escapes such as `\\x1b` or `\\u202e`. Tab and
 * newline are kept.
 */
export function printable(text: string): string {
  return text.replace(/(?![\t\n])[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_C}]/gu, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
  });
}

/**
 * Creates colour functions whose escape sequences can be distinguished from those in the text: each
 * is enclosed by a random mark, and `render` escapes everything outside of the marks.
 */
function createPainter(enabled: boolean): { colors: Colors; render: Paint } {
  const delimiter = randomUUID();
  const paint = (format: Paint): Paint => {
    const [open = '', close = ''] = format(delimiter).split(delimiter);
    return (text) =>
      enabled ? `${delimiter}${open}${delimiter}${text}${delimiter}${close}${delimiter}` : text;
  };
  const { dim, red, green, yellow, cyan } = pc.createColors(true);
  return {
    colors: {
      dim: paint(dim),
      red: paint(red),
      green: paint(green),
      yellow: paint(yellow),
      cyan: paint(cyan),
    },
    render: (text) =>
      text
        .split(delimiter)
        .map((part, index) => (index % 2 === 1 ? part : printable(part)))
        .join(''),
  };
}
