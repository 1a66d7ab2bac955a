import type { Guest } from '../../workers/wasm/run/guest.js';
import type { Runner } from '../../workers/wasm/run/program.js';
import type { GuestResult } from '../../workers/wasm/run/session.js';
import { randomConditions, sandboxSession } from '../../workers/wasm/warm/sandbox-session.js';

/**
 * Runs a program once, in a session without effects, and makes its runner ready for the next run.
 */
export function sandboxRun(guest: Guest, runner: Runner, input: Uint8Array): GuestResult {
  guest.begin(runner.program, sandboxSession('x', input, randomConditions()).session);
  const result = runner.run();
  runner.reset();
  return result;
}
