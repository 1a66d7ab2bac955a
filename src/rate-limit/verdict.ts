import type { RateVerdict } from '../ports/rate-limiter.js';

export const WINDOW_SECONDS = 60;

export const ALLOWED: RateVerdict = { allowed: true, retryAfterSeconds: 0 };

export function refused(msLeft: number): RateVerdict {
  return { allowed: false, retryAfterSeconds: Math.max(1, Math.ceil(msLeft / 1000)) };
}
