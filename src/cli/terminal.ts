import { randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import pc from 'picocolors';
import { z } from 'zod';
import { AppError } from '../errors.js';
import { createLiveLine } from './live-line.js';

type Paint = (text: string) => string;
type Colors = Readonly<Record<'dim' | 'red' | 'green' | 'yellow' | 'cyan', Paint>>;
type Stream = Writable & { isTTY?: boolean };

/** `table` for people, `json` one document, `ndjson` a JSON value a line. */
export const OUTPUT_FORMATS = ['table', 'json', 'ndjson'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** Shows on the terminal that something goes on, until its end. */
export interface Activity {
  update(text: string): void;
  end(): void;
}

/**
 * Where commands write. People on a terminal get tables, colours and progress; scripts get plain
 * lines or JSON. Besides JSON and `bytes`, no control character or escape sequence of the text
 * itself is written: only colours of `colors`.
 */
export interface Terminal {
  /** A program reads stdout: `json` or `ndjson`. */
  readonly json: boolean;
  /** A person reads stdout. */
  readonly isTerminal: boolean;
  readonly colors: Colors;
  /** A reply of the server: as it came with --json, else as `render` says it. */
  show<S extends z.ZodType>(reply: unknown, schema: S, render: (value: z.output<S>) => string): void;
  /** The same for a reply that holds a list under `key`: as ndjson, an item a line. */
  list<S extends z.ZodType>(
    reply: unknown,
    schema: S,
    key: keyof z.output<S> & string,
    render: (value: z.output<S>) => string,
  ): void;
  /** A value as JSON: in one line as ndjson, else indented. */
  value(value: unknown): void;
  /** A line on stdout. */
  line(text: string): void;
  /** Bytes on stdout: untouched in a pipe or file, made printable on a terminal. */
  bytes(data: Uint8Array): void;
  /** What goes on meanwhile: on stderr, for people only. */
  progress(text: string): void;
  /** One line on stderr that is drawn anew, with the seconds that have passed; for people only. */
  activity(text: string): Activity;
  /** What went wrong: on stderr, for everybody. */
  problem(text: string): void;
  /**
   * Aligned columns with a header on a terminal, or where a table was asked for; tabs and no header
   * elsewhere.
   */
  table(header: readonly string[], rows: readonly (readonly string[])[]): string;
}

export interface TerminalStreams {
  stdin: Readable & { isTTY?: boolean };
  stdout: Stream;
  stderr: Stream;
}

/** Without a format, who reads stdout decides. */
export function createTerminal(streams: TerminalStreams, format?: OutputFormat): Terminal {
  const { stdout, stderr } = streams;
  const json = format === 'json' || format === 'ndjson';
  const isTerminal = stdout.isTTY === true && !json;
  const isWatched = stderr.isTTY === true && !json;
  const { colors, render } = createPainter(isTerminal && pc.isColorSupported);
  const live = createLiveLine(stderr);
  const write = (stream: Stream, text: string | Uint8Array) => live.above(() => stream.write(text));
  const writeValue = (value: unknown) =>
    write(stdout, `${JSON.stringify(value, null, format === 'ndjson' ? 0 : 2)}\n`);
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
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const aligned = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [paint(aligned(header)), ...rows.map(aligned)].join('\n');
}

/**
 * Writes text that may be anybody's where there is no `Terminal` yet: beside a prompt, or before a
 * command is known.
 */
export function writePrintable(stream: Writable, text: string): void {
  stream.write(printable(text));
}

/** A cell is one line: a line break or tab of a guest must not look like another row or column. */
export function oneLine(cell: string): string {
  return printable(cell.replace(/[\t\r\n]+/g, ' '));
}

/**
 * Text that came from a guest, a server or another user, safe to write to a terminal: what could
 * move its cursor, change its state or reorder the text shows as an escape such as `\\x1b` or
 * `\\u202e`. Tab and newline stay.
 */
export function printable(text: string): string {
  return text.replace(/(?![\t\n])[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_C}]/gu, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
  });
}

/**
 * Colours that are told apart from escape sequences in the text. Each of ours is written between
 * two marks that nobody can guess; `render` makes everything outside of them printable.
 */
function createPainter(enabled: boolean): { colors: Colors; render: Paint } {
  const mark = randomUUID();
  const paint = (format: Paint): Paint => {
    const [open = '', close = ''] = format(mark).split(mark);
    return (text) => (enabled ? `${mark}${open}${mark}${text}${mark}${close}${mark}` : text);
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
        .split(mark)
        .map((part, index) => (index % 2 === 1 ? part : printable(part)))
        .join(''),
  };
}
