const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

type Handler = (signal: NodeJS.Signals) => void;
let onStop: Handler | null = null;

/** From now on the handler decides what SIGTERM and SIGINT do. */
export function handleStopSignals(handler: Handler): void {
  if (onStop === null) for (const signal of SIGNALS) process.on(signal, () => onStop?.(signal));
  onStop = handler;
}

/** Until something is open that would have to be closed, a signal ends the process with 0. */
export function exitOnStopSignals(): void {
  handleStopSignals(() => process.exit(0));
}
