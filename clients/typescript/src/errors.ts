import type { components } from './openapi.js';

/** Codes of the engine's errors, and `unreachable`: it did not answer. */
export type ErrorCode = components['schemas']['Error']['code'] | 'unreachable';

export interface OramaErrorDetails {
  code: ErrorCode;
  /** The HTTP status; 0 without an answer. */
  status: number;
  requestId?: string | undefined;
  /** Seconds, of a Retry-After header. */
  retryAfter?: number | undefined;
  cause?: unknown;
}

/** Whatever the engine refuses, and that it does not answer. Match on `code`. */
export class OramaError extends Error {
  override readonly name: string = 'OramaError';
  readonly code: ErrorCode;
  readonly status: number;
  /** The invocation that the call became, or the id of the request; undefined when there is none. */
  readonly requestId: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(message: string, { code, status, requestId, retryAfter, cause }: OramaErrorDetails) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = status;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }
}

/**
 * The function ran and failed: code `function_error`, `function_refused` (it does not take this
 * input), `function_timeout` or `cancelled`.
 */
export class FunctionError extends OramaError {
  override readonly name = 'FunctionError';
  /** What it wrote before it failed; for callers with a credential. */
  readonly output: Uint8Array | undefined;

  constructor(message: string, details: OramaErrorDetails, output: Uint8Array | undefined) {
    super(message, details);
    this.output = output;
  }
}
