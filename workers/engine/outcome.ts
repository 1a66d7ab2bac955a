import type { LogMessage } from '../../src/contract/invocation.js';
import { AppError } from '../../src/errors.js';
import type { GuestCall, GuestOutcome } from '../../src/ports/engine.js';
import type { JobResult } from '../threads/protocol.js';
import type { Slot } from '../threads/slot.js';

/** The reasons for which the engine stops a guest. */
export type StopReason = 'timeout' | 'cancelled' | 'closing';

/** Returns the fields that all outcomes share. */
function blank(error: string): Omit<GuestOutcome, 'status'> {
  return {
    output: new Uint8Array(0),
    error,
    exitCode: null,
    durationMs: 0,
    memoryPeakMb: 0,
    messages: [],
    startedAt: Date.now(),
  };
}

/** Returns the outcome of a guest that ended by itself, with success or an error. */
export function ended(result: JobResult, startedAt: number, messages: LogMessage[]): GuestOutcome {
  const { output, error, response, exitCode, durationMs, memoryPeakMb } = result;
  const status = error === null ? 'success' : 'error';
  const outcome: GuestOutcome = {
    status,
    output,
    error,
    exitCode,
    durationMs,
    memoryPeakMb,
    messages,
    startedAt,
  };
  if (response !== null) outcome.response = response;
  return outcome;
}

/** Returns the outcome of a guest that never ran and would not run in another attempt. */
export function refused(error: string): GuestOutcome {
  return { status: 'error', ...blank(error) };
}

/** Returns the outcome of a guest that was cancelled before it ran. */
export function neverStarted(): GuestOutcome {
  return { status: 'cancelled', ...blank('cancelled') };
}

/** Returns the outcome of a guest whose thread has ended: the engine stopped it, or it failed. */
export function stopped(
  call: GuestCall,
  slot: Slot,
  how: {
    stopReason: StopReason | null;
    failure: Error | null;
    blockedIn: string | null;
    messages: LogMessage[];
  },
): GuestOutcome {
  const startedAt = slot.startedAt ?? Date.now();
  const seen = {
    messages: how.messages,
    memoryPeakMb: slot.memoryMb,
    startedAt,
    durationMs: slot.elapsedMs,
  };
  if (how.stopReason === 'timeout') {
    const where = how.blockedIn === null ? '' : ` (waiting in ${how.blockedIn})`;
    return { status: 'timeout', ...blank(`timed out after ${call.timeoutMs / 1000} s${where}`), ...seen };
  }
  if (how.stopReason === 'cancelled') return { status: 'cancelled', ...blank('cancelled'), ...seen };
  const why = how.failure?.message ?? 'it exited without an error message';
  return { status: 'error', ...blank(`the function's thread failed: ${why}`), ...seen };
}

/**
 * Returns the error for a guest whose memory limit exceeds the engine's memory, both in megabytes.
 */
export function tooLarge(name: string, limitMb: number, memoryMb: number): AppError {
  const limit = `the engine's memory for guests is ${memoryMb} MB`;
  return new AppError('unavailable', `${name} needs ${limitMb} MB and ${limit}.`);
}
