import { writeSync } from 'node:fs';

const STDERR = 2;
/** How long the writer retries one line when the pipe is full. */
const TIMEOUT_MS = 200;
const RETRY_DELAY_MS = 5;

let lostLines = 0;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/**
 * Characters that JSON allows in strings but that could control the terminal on which the log is
 * read: other control characters, separators and bidirectional controls.
 */
const CONTROL_CHARACTERS = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_C}]/gu;

/**
 * Writes a line of the engine's log, which is JSON, synchronously. A line that cannot be written
 * (disk full, pipe closed) is dropped and counted, so that a logging failure never stops the
 * engine.
 */
export function writeLogLine(line: string): void {
  let bytes = Buffer.from(`${line.trimEnd().replace(CONTROL_CHARACTERS, escaped)}\n`);
  const deadline = performance.now() + TIMEOUT_MS;
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(STDERR, bytes));
    } catch (error) {
      const isFull = error instanceof Error && 'code' in error && error.code === 'EAGAIN';
      if (!isFull || performance.now() > deadline) {
        lostLines++;
        return;
      }
      Atomics.wait(sleeper, 0, 0, RETRY_DELAY_MS);
    }
  }
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Returns the number of log lines that were dropped since the process started. */
export function lostLogLines(): number {
  return lostLines;
}

/**
 * Ignores write errors on stdout and stderr. For server processes, whose output besides the log
 * (such as the listen address) may be lost as well.
 */
export function ignoreOutputErrors(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => {
      lostLines++;
    });
  }
}
