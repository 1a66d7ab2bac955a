import { exitOnStopSignals } from '../stop-signals.js';

/** Imported before all others: a signal may come while the engine is still being loaded. Other commands end as any program. */
if (process.argv.includes('up')) exitOnStopSignals();
