import { setFlagsFromString } from 'node:v8';

/**
 * Imported before all others by what starts a process. V8 makes its young generation larger while hundreds of modules are loaded,
 * up to 32 MB, and never gives it back: it may not until the process has started.
 */
setFlagsFromString('--semi-space-growth-factor=1');

/** From here on V8 does as it thinks best. */
export function hasStarted(): void {
  setFlagsFromString('--semi-space-growth-factor=2');
}
