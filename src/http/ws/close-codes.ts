/**
 * Close codes of the server (RFC 6455 §7.4.1). For a message that is too large, the library uses
 * 1009.
 */
export const CLOSE = {
  goingAway: 1001,
  /** The credential has expired or was revoked. */
  policy: 1008,
  /** The client reads too slowly. */
  tryLater: 1013,
} as const;
