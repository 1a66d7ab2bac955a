import type { LogMessage } from '../../src/contract/invocation.js';
import { AppError } from '../../src/errors.js';
import type { JobResult } from '../threads/protocol.js';
import { closing, finished, stopped } from './outcome.js';
import { abortOutsideWork, type Run } from './run.js';

/** Answers a run's caller and aborts what was going on for it. */
export function settle(run: Run, how: () => void): void {
  run.settled = true;
  if (run.onAbort !== null) run.call.signal?.removeEventListener('abort', run.onAbort);
  abortOutsideWork(run);
  how();
}

/** For a guest that ended by itself. */
export function settleFinished(run: Run, result: JobResult): void {
  const startedAt = run.slot?.startedAt ?? Date.now();
  collectLogLines(run);
  settle(run, () => run.resolve(finished(result, startedAt, run.logLines)));
}

/** For a run whose thread is gone: stopped by the engine, or failed by itself. */
export function settleWithThread(run: Run, failure: Error | null): void {
  collectLogLines(run);
  const { call, stopReason: ending, blockedIn: waitsIn, slot } = run;
  settle(run, () => {
    if (ending === 'closing' || slot === null) return run.reject(closing());
    const messages: LogMessage[] = [...run.logLines, ...slot.unfinishedLine()];
    run.resolve(stopped(call, slot, { ending, failure, waitsIn, messages }));
  });
}

/** For runs that no thread can be started for. */
export function rejectAll(runs: readonly Run[], cause: Error): void {
  for (const run of runs) {
    const sentence = 'No thread can be started to run functions.';
    settle(run, () => run.reject(new AppError('unavailable', sentence, { cause })));
  }
}

/** Passes on what the guest has logged since the last time. */
export function collectLogLines(run: Run): void {
  for (const line of run.slot?.newLines() ?? []) {
    run.logLines.push(line);
    run.call.onLog?.(line);
  }
}
