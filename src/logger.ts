import { type Logger, pino } from 'pino';
import { writeLogLine } from './output.js';

export type { Logger };

/**
 * The engine's own log: JSON lines on stderr, so that stdout stays for what a person or a script
 * reads.
 */
export function createLogger(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write: writeLogLine });
}
