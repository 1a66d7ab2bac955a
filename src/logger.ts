import { type Logger, pino } from 'pino';

export type { Logger };

/** The engine's own log: JSON lines on stderr, so that stdout stays for what a person or a script reads. */
export function createLogger(level: string): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
}
