import type { Readable, Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import pc from 'picocolors';
import type { z } from 'zod';
import { AppError } from '../errors.js';

type Colors = ReturnType<typeof pc.createColors>;
type Stream = Writable & { isTTY?: boolean };

/** Where commands write. People on a terminal get tables, colours and progress; scripts get plain lines or JSON. */
export interface Terminal {
  readonly json: boolean;
  /** A person reads stdout. */
  readonly isTerminal: boolean;
  readonly colors: Colors;
  /** A reply of the server: as it came with --json, else as `render` says it. */
  show<S extends z.ZodType>(reply: unknown, schema: S, render: (value: z.output<S>) => string): void;
  /** A line on stdout. */
  line(text: string): void;
  /** Bytes on stdout, untouched. */
  bytes(data: Uint8Array): void;
  /** What goes on meanwhile: on stderr, for people only. */
  progress(text: string): void;
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
  const colors = pc.createColors(isTerminal && pc.isColorSupported);
  return {
    json,
    isTerminal,
    colors,
    show(reply, schema, render) {
      const text = json ? JSON.stringify(reply, null, 2) : render(understood(reply, schema));
      if (text !== '') stdout.write(`${text}\n`);
    },
    line(text) {
      stdout.write(`${text}\n`);
    },
    bytes(data) {
      stdout.write(data);
    },
    progress(text) {
      if (stderr.isTTY === true && !json) stderr.write(`${text}\n`);
    },
    table(header, rows) {
      return isTerminal ? alignedTable([header.map((cell) => colors.dim(cell)), ...rows]) : tabbed(rows);
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
  return rows.map((row) => row.map((cell) => cell.replace(/[\t\n]/g, ' ')).join('\t')).join('\n');
}

function alignedTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, visibleLength(cell));
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - visibleLength(cell))))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length;
}
