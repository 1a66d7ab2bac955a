import { randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import pc from 'picocolors';
import type { z } from 'zod';
import { AppError } from '../errors.js';

type Paint = (text: string) => string;
type Colors = Readonly<Record<'dim' | 'red' | 'green' | 'yellow' | 'cyan', Paint>>;
type Stream = Writable & { isTTY?: boolean };

/**
 * Where commands write. People on a terminal get tables, colours and progress; scripts get plain
 * lines or JSON. Besides JSON and `bytes`, no control character or escape sequence of the text
 * itself is written: only colours of `colors`.
 */
export interface Terminal {
  readonly json: boolean;
  /** A person reads stdout. */
  readonly isTerminal: boolean;
  readonly colors: Colors;
  /** A reply of the server: as it came with --json, else as `render` says it. */
  show<S extends z.ZodType>(reply: unknown, schema: S, render: (value: z.output<S>) => string): void;
  /** A line on stdout. */
  line(text: string): void;
  /** Bytes on stdout: untouched in a pipe or file, made printable on a terminal. */
  bytes(data: Uint8Array): void;
  /** What goes on meanwhile: on stderr, for people only. */
  progress(text: string): void;
  /** What went wrong: on stderr, for everybody. */
  problem(text: string): void;
  /** Aligned columns with a header on a terminal; tabs and no header elsewhere. */
  table(header: readonly string[], rows: readonly (readonly string[])[]): string;
}

export interface TerminalStreams {
  stdin: Readable & { isTTY?: boolean };
  stdout: Stream;
  stderr: Stream;
}

export function createTerminal(streams: TerminalStreams, json: boolean): Terminal {
  const { stdout, stderr } = streams;
  const isTerminal = stdout.isTTY === true && !json;
  const { colors, render } = createPainter(isTerminal && pc.isColorSupported);
  return {
    json,
    isTerminal,
    colors,
    show(reply, schema, describe) {
      const text = json ? JSON.stringify(reply, null, 2) : render(describe(understood(reply, schema)));
      if (text !== '') stdout.write(`${text}\n`);
    },
    line(text) {
      stdout.write(`${json ? text : render(text)}\n`);
    },
    bytes(data) {
      stdout.write(isTerminal ? printable(Buffer.from(data).toString()) : data);
    },
    progress(text) {
      if (stderr.isTTY === true && !json) stderr.write(`${render(text)}\n`);
    },
    problem(text) {
      stderr.write(`${render(text)}\n`);
    },
    table(header, rows) {
      const plain = rows.map((row) => row.map(oneLine));
      return isTerminal ? alignedTable(header, plain, colors.dim) : tabbed(plain);
    },
  };
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

/** A cell is one line: a line break or tab of a guest must not look like another row or column. */
function oneLine(cell: string): string {
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
