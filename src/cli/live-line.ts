import type { Writable } from 'node:stream';

export interface LiveLine {
  /** Shows a line until `end` is called, replacing an earlier line. */
  begin(text: string, render: (text: string) => string): { update(text: string): void; end(): void };
  /** Runs `write` with the line cleared and redraws the line below its output. */
  above(write: () => void): void;
}

const REDRAW_MS = 1000;
const CLEAR = '\r\u001b[2K';

/**
 * Creates a status line at the bottom of a terminal. It is redrawn in place and shows the elapsed
 * seconds.
 */
export function createLiveLine(stream: Writable & { columns?: number }): LiveLine {
  let current: { text: string; since: number; render: (text: string) => string } | undefined;
  let timer: NodeJS.Timeout | undefined;

  function draw(): void {
    if (current === undefined) return;
    const seconds = Math.floor((Date.now() - current.since) / 1000);
    const text = `${current.text}${seconds === 0 ? '' : ` (${seconds} s)`}`;
    // Truncate to the terminal's width: a wrapped line could not be overwritten.
    stream.write(CLEAR + current.render(text.slice(0, Math.max(20, (stream.columns ?? 80) - 1))));
  }

  function clear(): void {
    if (current !== undefined) stream.write(CLEAR);
  }

  return {
    begin(text, render) {
      clear();
      clearInterval(timer);
      const own = { text, since: Date.now(), render };
      current = own;
      draw();
      timer = setInterval(draw, REDRAW_MS);
      timer.unref();
      return {
        update(next) {
          own.text = next;
          if (current === own) draw();
        },
        end() {
          if (current !== own) return;
          clear();
          clearInterval(timer);
          current = undefined;
        },
      };
    },
    above(write) {
      clear();
      write();
      draw();
    },
  };
}
