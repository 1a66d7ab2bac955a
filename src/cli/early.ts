import { surviveLostOutput } from '../output.js';
import { exitOnStopSignals } from '../stop-signals.js';

/**
 * This process is to be an engine, which goes on when nobody reads what it prints. Other commands
 * end as any program.
 */
export const isEngine = process.argv.includes('up');

/** Imported before all others: a signal may come while the engine is still being loaded. */
if (isEngine) {
  exitOnStopSignals();
  surviveLostOutput();
}
