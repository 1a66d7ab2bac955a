import { ignoreOutputErrors } from '../process/output.js';
import { exitOnStopSignals } from '../process/stop-signals.js';

/**
 * True if this process will be an engine, which keeps running when its output is closed. Other
 * commands exit on EPIPE as usual.
 */
export const isEngine = process.argv[2] === 'up';

/**
 * Imported before all other modules: a signal may arrive while the engine is still being loaded.
 */
if (isEngine) {
  exitOnStopSignals();
  ignoreOutputErrors();
}
