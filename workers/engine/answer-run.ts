import { engineClosing } from '../threads/engine-closing.js';
import type { JobResult } from '../threads/protocol.js';
import { ended, stopped } from './outcome.js';
import { abortOutsideWork, type Run } from './run.js';
import { ThreadsUnavailable } from './threads-unavailable.js';

/** Answers a run's caller and aborts the run's pending host calls. */
export function finish(run: Run, how: () => void): void {
  run.finished = true;
  if (run.onAbort !== null) run.call.signal?.removeEventListener('abort', run.onAbort);
  abortOutsideWork(run);
  how();
}

/** Finishes a run whose guest ended by itself, or could not begin for lack of memory. */
export function finishEnded(run: Run, result: JobResult): void {
  const startedAt = run.slot?.startedAt ?? Date.now();
  const messages = run.slot?.logLines() ?? [];
  finish(run, () => {
    if (result.unstarted) run.reject(new ThreadsUnavailable(undefined, result.error ?? undefined));
    else run.resolve(ended(result, startedAt, messages));
  });
}

/** Finishes a run whose thread has exited: the engine stopped it, or it failed. */
export function finishWithThread(run: Run, failure: Error | null): void {
  const { call, stopReason, blockedIn, slot } = run;
  finish(run, () => {
    if (stopReason === 'closing' || slot === null) return run.reject(engineClosing('starts no further runs'));
    const messages = [...slot.logLines(), ...slot.unfinishedLine()];
    run.resolve(stopped(call, slot, { stopReason, failure, blockedIn, messages }));
  });
}

/** Rejects runs because no thread can be started. */
export function rejectAll(runs: readonly Run[], cause: Error): void {
  for (const run of runs) finish(run, () => run.reject(new ThreadsUnavailable(cause)));
}
