import type { FunctionVersion } from '../../src/contract/function.js';
import type { Invocation } from '../../src/ports/queue.js';

/** The run of a guest that calls host functions. */
export interface HostRun {
  invocation: Invocation;
  function: FunctionVersion;
}
