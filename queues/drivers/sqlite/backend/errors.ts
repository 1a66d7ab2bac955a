import { UnrecoverableError } from 'bullmq';
import type { OperationFailure } from './protocol.js';
import { type OperationRefusalCode, REFUSAL } from './refusal.js';

/**
 * A database failure; nothing of the operation was accepted. `code` is SQLite's result code, such
 * as `SQLITE_FULL`.
 */
export class SqliteQueueError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'SqliteQueueError';
    this.code = code;
  }
}

/** What an operation was about, for the error message of its refusal. */
export interface Subject {
  command: string;
  jobId?: string | undefined;
  parentKey?: string | undefined;
  state?: string | undefined;
}

/** Names a job for the error message of a refusal. Most transitions start from an active job. */
export function about(command: string, jobId: string | undefined, state = 'active'): Subject {
  return { command, jobId, state };
}

/** The messages are part of BullMQ's interface: its users match on them. */
function sentence(code: OperationRefusalCode, { command, jobId, parentKey, state }: Subject): string {
  switch (code) {
    case REFUSAL.missingJob:
      return `Missing key for job ${jobId}. ${command}`;
    case REFUSAL.missingLock:
      return `Missing lock for job ${jobId}. ${command}`;
    case REFUSAL.notInState:
      return `Job ${jobId} is not in the ${state} state. ${command}`;
    case REFUSAL.pendingChildren:
      return `Job ${jobId} has pending dependencies. ${command}`;
    case REFUSAL.missingParent:
      return `Missing key for parent job ${parentKey}. ${command}`;
    case REFUSAL.lockMismatch:
      return `Lock mismatch for job ${jobId}. Cmd ${command} from ${state}`;
    case REFUSAL.parentCannotBeReplaced:
      return `The parent job ${parentKey} cannot be replaced. ${command}`;
    case REFUSAL.belongsToScheduler:
      return `Job ${jobId} belongs to a job scheduler and cannot be removed directly. ${command}`;
    case REFUSAL.failedChildren:
      return `Cannot complete job ${jobId} because it has at least one failed child. ${command}`;
    case REFUSAL.schedulerIdCollision:
      return `Cannot create job scheduler iteration - job ID already exists. ${command}`;
    case REFUSAL.schedulerSlotsBusy:
      return `Cannot create job scheduler iteration - current and next time slots already have jobs. ${command}`;
  }
}

/** Creates the error that BullMQ's other backends throw, with the refusal code as `code`. */
function refusalError(code: OperationRefusalCode, subject: Subject): Error {
  const message = sentence(code, subject);
  const error = code === REFUSAL.failedChildren ? new UnrecoverableError(message) : new Error(message);
  return Object.assign(error, { code });
}

/** Converts a failure from the database thread to an error. */
export function toError({ refusal, code, message }: OperationFailure, subject: Subject): Error {
  if (refusal !== undefined) return refusalError(refusal, subject);
  return new SqliteQueueError(code ?? 'SQLITE_ERROR', `The queue's database failed: ${message}`);
}
