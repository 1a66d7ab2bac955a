import type { IncomingHttpHeaders } from 'node:http';

/** The parts of a request that its signature covers. */
export interface SignedRequest {
  headers: IncomingHttpHeaders;
  body: Uint8Array;
  /** Unix milliseconds. */
  now: number;
}
