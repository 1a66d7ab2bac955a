import { writeSync } from 'node:fs';

const STDERR = 2;
/** A reader of a pipe that is slow, not gone: how long one line waits for it. */
const PATIENCE_MS = 200;
const AGAIN_MS = 5;

let lost = 0;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/**
 * What JSON lets stand in a string though it could steer the terminal that the log is read on: other
 * control characters, separators and bidirectional controls.
 */
const STEERING = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_C}]/gu;

/**
 * Writes a line of the engine's own log, which is JSON. One that cannot be written (its disk is
 * full, its reader is gone) is lost and counted: whoever cannot log must still do its work.
 */
export function writeLogLine(line: string): void {
  let bytes = Buffer.from(`${line.trimEnd().replace(STEERING, escaped)}\n`);
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(STDERR, bytes));
    } catch (error) {
      const isFull = error instanceof Error && 'code' in error && error.code === 'EAGAIN';
      if (!isFull || performance.now() > giveUpAt) {
        lost++;
        return;
      }
      Atomics.wait(sleeper, 0, 0, AGAIN_MS);
    }
  }
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Lines of the engine's own log that could not be written, since the process started. */
export function lostLogLines(): number {
  return lost;
}

/**
 * For a process that serves: what it prints beside its log (where it listens, say) may be lost,
 * too.
 */
export function surviveLostOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => {
      lost++;
    });
  }
}
