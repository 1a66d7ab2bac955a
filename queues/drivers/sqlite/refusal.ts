/** Why an operation was refused: BullMQ's own numbers, which its classes look at. */
export const REFUSAL = {
  missingJob: -1,
  missingLock: -2,
  notInState: -3,
  pendingChildren: -4,
  missingParent: -5,
  lockMismatch: -6,
  parentCannotBeReplaced: -7,
  belongsToScheduler: -8,
  failedChildren: -9,
  schedulerIdCollision: -10,
  schedulerSlotsBusy: -11,
} as const;
export type RefusalCode = (typeof REFUSAL)[keyof typeof REFUSAL];

/**
 * Thrown by an operation that the state of the job forbids. Its transaction is undone as far as it
 * went.
 */
export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode) {
    super(`refused with ${code}`);
    this.code = code;
  }
}
