import type { LogLevel, LogMessage } from '../../src/contract/invocation.js';
import { MAX_LOG_BYTES, MAX_LOG_LINE_BYTES, MAX_LOG_LINES, MB } from '../../src/contract/limits.js';
import type { LogSink } from '../wasm/run/session.js';

/**
 * A thread's log in memory shared with the main thread: the lines of a guest are available however
 * it ends, even when its thread is terminated in an endless loop. One writer (the thread), one
 * reader (the main thread).
 *
 * Layout: the unfinished printed line, then records of [level u8, time f64, length u32, bytes]. A
 * record is valid once `committed`, which is stored last, includes its end.
 */
const HEADER_BYTES = 13;
const RECORDS_AT = MAX_LOG_LINE_BYTES;
const NOTE_BYTES = 200;
/**
 * The largest number of notes: one per truncated line, and the final one. Untouched pages of the
 * buffer take no memory.
 */
const MAX_NOTES = MAX_LOG_BYTES / MAX_LOG_LINE_BYTES + 1;
const LOG_BUFFER_BYTES =
  RECORDS_AT + MAX_LOG_BYTES + (MAX_LOG_LINES + 1) * HEADER_BYTES + MAX_NOTES * NOTE_BYTES;

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const NEWLINE = 0x0a;
const utf8 = new TextEncoder();

/** A part of a buffer: `LOG_BUFFER_BYTES` from offset `at`. */
export interface LogBuffer {
  buffer: SharedArrayBuffer;
  at: number;
}

/** The progress of the log, shared by both sides: words of the thread's control block. */
export interface LogCursor {
  words: Int32Array;
  committed: number;
  /** Of the unfinished printed line: its length in bytes, above the two bits of its level. */
  pending: number;
}

const LEVEL_BITS = 2;
const LEVEL_MASK = (1 << LEVEL_BITS) - 1;

/** The guest thread's side of the log. */
export class SharedLog implements LogSink {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #cursor: LogCursor;
  #end = RECORDS_AT;
  #lines = 0;
  #lineBytes = 0;
  #full = false;
  /** The size of the unfinished printed line in bytes, including bytes beyond the limit. */
  #pending = 0;
  #pendingLevel: LogLevel = 'error';

  constructor({ buffer, at }: LogBuffer, cursor: LogCursor) {
    this.#bytes = new Uint8Array(buffer, at, LOG_BUFFER_BYTES);
    this.#view = new DataView(buffer, at, LOG_BUFFER_BYTES);
    this.#cursor = cursor;
  }

  /** Empties the log for the next invocation. */
  begin(): void {
    this.#end = RECORDS_AT;
    this.#lines = 0;
    this.#lineBytes = 0;
    this.#full = false;
    this.#pending = 0;
    Atomics.store(this.#cursor.words, this.#cursor.pending, 0);
    Atomics.store(this.#cursor.words, this.#cursor.committed, RECORDS_AT);
  }

  line(level: LogLevel, text: Uint8Array | string): void {
    if (this.#full) return;
    const bytes = typeof text === 'string' ? utf8.encode(text) : text;
    this.#record(level, bytes.subarray(0, MAX_LOG_LINE_BYTES), bytes.length);
  }

  print(level: LogLevel, bytes: Uint8Array): void {
    if (this.#pending > 0 && level !== this.#pendingLevel) this.#endLine();
    this.#pendingLevel = level;
    let from = 0;
    while (from < bytes.length) {
      const newline = bytes.indexOf(NEWLINE, from);
      const to = newline < 0 ? bytes.length : newline;
      this.#keep(bytes.subarray(from, to));
      if (newline < 0) return;
      this.#endLine();
      from = newline + 1;
    }
  }

  finish(): void {
    if (this.#pending > 0) this.#endLine();
  }

  #keep(part: Uint8Array): void {
    const room = MAX_LOG_LINE_BYTES - this.#pending;
    if (room > 0) this.#bytes.set(part.subarray(0, room), this.#pending);
    this.#pending += part.length;
    const stored = Math.min(this.#pending, MAX_LOG_LINE_BYTES);
    const pending = (stored << LEVEL_BITS) | LEVELS.indexOf(this.#pendingLevel);
    Atomics.store(this.#cursor.words, this.#cursor.pending, pending);
  }

  #endLine(): void {
    const length = this.#pending;
    this.#pending = 0;
    if (!this.#full) {
      this.#record(this.#pendingLevel, this.#bytes.subarray(0, Math.min(length, MAX_LOG_LINE_BYTES)), length);
    }
    Atomics.store(this.#cursor.words, this.#cursor.pending, 0);
  }

  #record(level: LogLevel, line: Uint8Array, length: number): void {
    if (this.#lines >= MAX_LOG_LINES || this.#lineBytes + line.length > MAX_LOG_BYTES) {
      this.#full = true;
      const what = this.#lines >= MAX_LOG_LINES ? `${MAX_LOG_LINES} lines` : `${MAX_LOG_BYTES / MB} MB`;
      this.#write('warn', utf8.encode(`the log is cut here: an invocation may log ${what}`));
      return;
    }
    this.#lines++;
    this.#lineBytes += line.length;
    if (length <= MAX_LOG_LINE_BYTES) {
      this.#write(level, line);
      return;
    }
    const note = utf8.encode(` … [cut: ${MAX_LOG_LINE_BYTES >> 10} KB of ${length} bytes]`);
    const whole = new Uint8Array(line.length + note.length);
    whole.set(line);
    const end = characterEnd(line);
    whole.set(note, end);
    this.#write(level, whole.subarray(0, end + note.length));
  }

  #write(level: LogLevel, text: Uint8Array): void {
    const at = this.#end;
    this.#view.setUint8(at, LEVELS.indexOf(level));
    this.#view.setFloat64(at + 1, Date.now());
    this.#view.setUint32(at + 9, text.length);
    this.#bytes.set(text, at + HEADER_BYTES);
    this.#end = at + HEADER_BYTES + text.length;
    Atomics.store(this.#cursor.words, this.#cursor.committed, this.#end);
  }
}

/** Returns the end of the last complete UTF-8 character, so that truncation does not split one. */
function characterEnd(bytes: Uint8Array): number {
  let start = bytes.length - 1;
  while (start > bytes.length - 4 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start--;
  const first = bytes[start] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return start + length <= bytes.length ? start + length : start;
}

/** Reads the records of a thread's log. */
export class LogReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #cursor: LogCursor;

  constructor({ buffer, at }: LogBuffer, cursor: LogCursor) {
    this.#bytes = new Uint8Array(buffer, at, LOG_BUFFER_BYTES);
    this.#view = new DataView(buffer, at, LOG_BUFFER_BYTES);
    this.#cursor = cursor;
  }

  /**
   * Empties the log before its next invocation is queued: the thread empties it only when that
   * begins, and until then the lines of an earlier invocation would be read as its own.
   */
  clear(): void {
    Atomics.store(this.#cursor.words, this.#cursor.pending, 0);
    Atomics.store(this.#cursor.words, this.#cursor.committed, 0);
  }

  /** Returns the lines that are complete. */
  lines(): LogMessage[] {
    const end = Atomics.load(this.#cursor.words, this.#cursor.committed);
    const messages: LogMessage[] = [];
    for (let at = RECORDS_AT; at < end; ) {
      const length = this.#view.getUint32(at + 9);
      const from = at + HEADER_BYTES;
      messages.push({
        level: LEVELS[this.#view.getUint8(at)] ?? 'info',
        message: this.#text(from, length),
        timestamp: new Date(this.#view.getFloat64(at + 1)).toISOString(),
      });
      at = from + length;
    }
    return messages;
  }

  /** Returns the printed line that a killed guest did not finish. */
  unfinished(): LogMessage[] {
    const pending = Atomics.load(this.#cursor.words, this.#cursor.pending);
    const length = pending >> LEVEL_BITS;
    if (length === 0) return [];
    const level = LEVELS[pending & LEVEL_MASK] ?? 'info';
    return [{ level, message: this.#text(0, length), timestamp: new Date().toISOString() }];
  }

  #text(from: number, length: number): string {
    // Copied first, because text decoders reject shared memory.
    return Buffer.from(this.#bytes.subarray(from, from + length)).toString('utf8');
  }
}
