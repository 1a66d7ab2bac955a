import type { components } from './openapi.js';

/** Error codes of the engine, and `unreachable` for no response. */
export type ErrorCode = components['schemas']['Error']['code'] | 'unreachable';

export interface OramaErrorDetails {
  code: ErrorCode;
  /** HTTP status; 0 without a response. */
  status: number;
  requestId?: string | undefined;
  /** Value of the Retry-After header, in seconds. */
  retryAfter?: number | undefined;
  accepted?: boolean;
  cause?: unknown;
}

/** Thrown if the engine returns an error or is unreachable. Match on `code`. */
export class OramaError extends Error {
  override readonly name: string = 'OramaError';
  readonly code: ErrorCode;
  readonly status: number;
  /** Id of the invocation or of the request; undefined if there is none. */
  readonly requestId: string | undefined;
  readonly retryAfter: number | undefined;
  /**
   * Whether `invoke` failed after the engine had accepted the invocation `requestId`, which runs or
   * has run: invoked again, the function would run twice.
   */
  readonly accepted: boolean;

  constructor(
    message: string,
    { code, status, requestId, retryAfter, accepted = false, cause }: OramaErrorDetails,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = status;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
    this.accepted = accepted;
  }
}

/**
 * Thrown if the invocation was accepted and failed. The code is `function_error`,
 * `function_refused` (invalid input, not retryable), `function_timeout`, `worker_died`, or, if it
 * may not have run, `expired` or `cancelled`.
 */
export class FunctionError extends OramaError {
  override readonly name = 'FunctionError';
  /** The output before the failure, for callers with a credential. */
  readonly output: Uint8Array | undefined;

  constructor(message: string, details: OramaErrorDetails, output: Uint8Array | undefined) {
    super(message, details);
    this.output = output;
  }
}

/** Codes of Node and OpenSSL. Browsers give no reason. */
const OF_CERTIFICATES = /CERT|^UNABLE_TO_/;

/** Returns whether the server's certificate was refused, as it would be again. */
export function isOfCertificate(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && OF_CERTIFICATES.test(String(cause.code))) return true;
  }
  return false;
}
