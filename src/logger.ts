import { type Logger, pino } from 'pino';
import { writeLogLine } from './process/output.js';

export type { Logger };

/**
 * Creates the engine's logger: JSON lines on stderr. Stdout stays reserved for output that people
 * or scripts read.
 */
export function createLogger(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write: writeLogLine });
}
