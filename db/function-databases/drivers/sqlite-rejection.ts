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
  /** Whether its writes may have been committed; otherwise nothing of it was. */
  readonly inDoubt: boolean;

  constructor(
    reason: RejectionReason,
    { cause, inDoubt = false }: { cause?: unknown; inDoubt?: boolean } = {},
  ) {
    super(reason, { cause });
    this.reason = reason;
    this.inDoubt = inDoubt;
  }
}
