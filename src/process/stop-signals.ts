const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

type Handler = (signal: NodeJS.Signals) => void;
let onStop: Handler | null = null;

/** Installs the handler of SIGTERM and SIGINT and replaces an earlier one. */
export function handleStopSignals(handler: Handler): void {
  if (onStop === null) for (const signal of SIGNALS) process.on(signal, () => onStop?.(signal));
  onStop = handler;
}

/** Exits with 0 on SIGTERM or SIGINT. Used until a resource is open that must be closed. */
export function exitOnStopSignals(): void {
  handleStopSignals(() => process.exit(0));
}
