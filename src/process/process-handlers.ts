import { ignoreOutputErrors } from './output.js';
import { exitOnStopSignals } from './stop-signals.js';

/**
 * The entry points of the Procfile import this module before all others: a signal may arrive while
 * modules are still being loaded, and stdout or stderr may be on a full disk.
 */
exitOnStopSignals();
ignoreOutputErrors();
