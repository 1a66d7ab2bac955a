import type { ChildProcess } from 'node:child_process';
import type { ChildReply, ChildRequest } from './sqlite-protocol.js';
import type { RejectionReason } from './sqlite-rejection.js';

/** A request that waits for a child or runs in one. */
export interface PendingStatement {
  request: ChildRequest;
  resolve(reply: ChildReply): void;
  /** Rejects the request. Idempotent; also releases the timer and the listener. */
  reject(reason: RejectionReason, details?: { cause?: unknown; inDoubt?: boolean }): void;
}

export interface Child {
  process: ChildProcess;
  job: PendingStatement | null;
  /** The file of its last request, which it therefore has open. */
  file: string | null;
  /** Whether it has started, so that its end may be due to a statement. */
  isReady: boolean;
  /** Whether the writes of its job may have been committed. */
  isCommitting: boolean;
  /** Whether it has ended, and everything that it had sent has been read. */
  isClosed: boolean;
  idle: NodeJS.Timeout | null;
}

/**
 * How long a killed child may take to end, in milliseconds. Only a disk that does not answer delays
 * it.
 */
const MAX_ENDING_MS = 2_000;

/**
 * Rejects the job of a child that was killed. Whether the child has committed a write is known only
 * when everything that it had sent has been read; if its reply is among it, that is the outcome.
 */
export function rejectJob(child: Child, reason: RejectionReason, cause: unknown): void {
  const { job } = child;
  if (job === null) return;
  const settle = (inDoubt: boolean) => {
    clearTimeout(late);
    child.job = null;
    job.reject(reason, { cause, inDoubt });
  };
  let late: NodeJS.Timeout | undefined;
  if (child.isClosed || !mayWrite(job.request)) {
    settle(child.isCommitting);
    return;
  }
  late = setTimeout(() => settle(true), MAX_ENDING_MS);
  child.process.once('close', () => settle(child.isCommitting));
}

function mayWrite({ operations }: ChildRequest): boolean {
  return operations.some(({ kind }) => kind === 'exec');
}
