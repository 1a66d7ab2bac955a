/** The reasons why an operation is refused, with the codes that BullMQ's classes expect. */
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
export type OperationRefusalCode = (typeof REFUSAL)[keyof typeof REFUSAL];

/**
 * Thrown by an operation that is not allowed in the state of the job. What the operation wrote is
 * rolled back.
 */
export class Refusal extends Error {
  readonly code: OperationRefusalCode;

  constructor(code: OperationRefusalCode) {
    super(`refused with ${code}`);
    this.code = code;
  }
}
