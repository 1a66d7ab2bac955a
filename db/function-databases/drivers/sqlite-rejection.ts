/** Why a request has no reply. */
export type RejectionReason =
  | 'deadline'
  | 'aborted'
  | 'crashed'
  | 'memory'
  | 'killed'
  | 'unstarted'
  | 'closed';

/** Thrown when a request ends without a reply. */
export class RejectedRequest extends Error {
  readonly reason: RejectionReason;

  constructor(reason: RejectionReason, cause?: unknown) {
    super(reason, { cause });
    this.reason = reason;
  }
}
