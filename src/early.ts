import { surviveLostOutput } from './output.js';
import { exitOnStopSignals } from './stop-signals.js';

/**
 * Imported before all others by the mains of the Procfile: a signal may come while the program is
 * still being loaded, and its output may go to a disk that is full.
 */
exitOnStopSignals();
surviveLostOutput();
