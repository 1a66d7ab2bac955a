import { setImmediate } from 'node:timers';
import { type Subject, toError } from './errors.js';
import type { OperationName, OperationOutcome } from './protocol.js';

interface PendingOperation {
  name: OperationName;
  subject: Subject;
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

const ADDING: ReadonlySet<OperationName> = new Set(['addJob', 'addJobs', 'addNewJobs', 'addFlow']);
/**
 * The operations with which BullMQ's workers take jobs. Not `claimMany`: only the run loop calls
 * it, and whoever adds a job for it listens for the reply before.
 */
const TAKING: ReadonlySet<OperationName> = new Set(['claim', 'complete', 'fail', 'delayActive']);

/** The operations that the thread has not answered, in the order in which it answers them. */
export class PendingOperations {
  #pending: PendingOperation[] = [];

  get length(): number {
    return this.#pending.length;
  }

  push(operation: PendingOperation): void {
    this.#pending.push(operation);
  }

  /** Resolves when all operations that were pushed before have been answered. */
  async settled(): Promise<void> {
    const last = this.#pending.at(-1);
    if (last === undefined) return;
    await new Promise<void>((done) => {
      const { resolve: answer, reject: refuse } = last;
      last.resolve = (result) => {
        answer(result);
        done();
      };
      last.reject = (error) => {
        refuse(error);
        done();
      };
    });
  }

  /**
   * Answers the oldest operations. When a batch both adds and claims jobs, the callers of adds are
   * answered a turn earlier than a worker that claimed such a job in the same transaction.
   */
  answerOldest(outcomes: readonly OperationOutcome[]): void {
    // Removed at once: under load there is always a pending operation, and the answered ones hold
    // their results.
    const pending = this.#pending.splice(0, outcomes.length);
    const adds = pending.some(({ name }) => ADDING.has(name));
    pending.forEach((each, at) => {
      const outcome = outcomes[at];
      if (outcome === undefined) return;
      if (adds && TAKING.has(each.name)) setImmediate(() => answer(each, outcome));
      else answer(each, outcome);
    });
  }

  rejectAll(error: Error): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const { reject } of pending) reject(error);
  }
}

function answer({ subject, resolve, reject }: PendingOperation, [failure, result]: OperationOutcome): void {
  if (failure === null) resolve(result);
  else reject(toError(failure, subject));
}
