/**
 * Why this side closes a socket (RFC 6455 §7.4.1). A message that is too big is 1009, by the
 * library.
 */
export const CLOSE = {
  goingAway: 1001,
  /** The credential has expired or was revoked. */
  policy: 1008,
  /** The client does not take what it is sent. */
  tryLater: 1013,
} as const;
