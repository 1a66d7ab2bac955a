import type { Backlog } from '../../ports/backlog.js';
import type { RemovedHandler } from '../../ports/queue.js';
import type { AttemptStore } from '../../ports/store/attempts.js';
import type { Finisher } from './finish.js';
import { newEnd } from './new-attempt.js';

export const REMOVED = 'its job was removed from the queue, or finished, by another program';

export interface RemovedDeps {
  attempts: Pick<AttemptStore, 'invocation'>;
  finisher: Pick<Finisher, 'finish'>;
  /** Holds records of ended invocations that are not in the store yet. */
  backlog: Pick<Backlog, 'size'>;
}

/**
 * Returns a handler that ends invocations whose job was removed with a BullMQ tool: they are
 * cancelled, and their callers get a reply. An invocation that has already ended is ignored.
 */
export function endRemoved({ attempts, finisher, backlog }: RemovedDeps): RemovedHandler {
  return async ({ invocation, inputSize, hasInput }) => {
    // Its end may still be in the backlog.
    if ((await backlog.size()) > 0) return false;
    const stored = await attempts.invocation(invocation.id);
    if (stored?.attempts.at(-1)?.final) return true;
    const ran = stored?.attempts.filter((row) => row.isAttempt).length ?? 0;
    const row = { ...newEnd(invocation, ran, REMOVED), inputSize };
    await finisher.finish({
      invocation,
      function: null,
      row,
      outcome: 'cancelled',
      output: new Uint8Array(),
      inputIsKept: hasInput,
    });
    return true;
  };
}
