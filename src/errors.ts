/**
 * The table of errors: one row for every failure that a person or a client can see. `status` is the
 * HTTP status of the API's response; the CLI prints only the message. A test checks that
 * docs/errors.md agrees with this table.
 */
export const ERRORS = {
  invalid_request: { status: 400, about: 'A parameter, header or body is malformed or out of range.' },
  invalid_manifest: { status: 400, about: 'A function setting is unknown, of a wrong type or out of range.' },
  invalid_module: { status: 400, about: 'The uploaded file is no WASI module that the engine can run.' },
  invalid_sql: { status: 400, about: 'The statement is not allowed or the database refused it.' },
  egress_refused: { status: 400, about: 'The address is loopback, private, link-local or not allowed.' },
  unauthorized: { status: 401, about: 'No credential, or one that is wrong, expired or revoked.' },
  signature_invalid: {
    status: 401,
    about: "The signature of an HTTP function's request is missing or wrong.",
  },
  forbidden: { status: 403, about: 'The credential is valid but not for this namespace or action.' },
  insufficient_scope: {
    status: 403,
    about: 'The key may not do this, or not with this function; the error names the scope.',
  },
  not_found: { status: 404, about: 'No such resource, or a private one of another namespace.' },
  function_not_found: { status: 404, about: 'No such function, or a private one of another namespace.' },
  method_not_allowed: { status: 405, about: 'The path exists but not for this method.' },
  request_timeout: { status: 408, about: 'The request came too slowly; the connection is closed.' },
  conflict: { status: 409, about: 'The resource is in a state that does not allow this.' },
  payload_too_large: { status: 413, about: 'The body or module is larger than the limit.' },
  unsupported_media_type: { status: 415, about: 'The content type is not the one this endpoint takes.' },
  idempotency_mismatch: {
    status: 422,
    about:
      'The Idempotency-Key was used before with another body, or for another method, path or query of an HTTP function.',
  },
  function_refused: {
    status: 422,
    about: 'The function refused its input: it ended with an exit code from 64 to 78.',
  },
  upgrade_required: {
    status: 426,
    about: 'The path is a WebSocket, and the request asks for none, or for another version.',
  },
  headers_too_large: { status: 431, about: 'The request line and headers have more than 16 KB.' },
  rate_limited: { status: 429, about: 'Too many requests in this minute; see Retry-After.' },
  quota_exceeded: {
    status: 429,
    about:
      'A quota of the namespace is used up; the sentence names quota, limit and use. Sizes and counts: 413.',
  },
  queue_full: { status: 429, about: 'The queue holds as many jobs or bytes as it may; see Retry-After.' },
  function_error: { status: 500, about: 'The function ended with an error.' },
  expired: {
    status: 500,
    about: 'The invocation was older than X-Max-Age-Seconds when its turn came, and did not run.',
  },
  worker_died: {
    status: 500,
    about: 'Three worker processes crashed while the function ran; it is not tried again.',
  },
  misconfigured: {
    status: 500,
    about: 'An HTTP function names a secret that is not set: nothing was accepted.',
  },
  blob_damaged: {
    status: 500,
    about: 'A stored file is damaged: deploy the function, or store the file, again.',
  },
  internal: { status: 500, about: 'A fault of the engine; the log has the details.' },
  not_implemented: {
    status: 501,
    about: 'An endpoint of the system that this engine replaces, and which it does not have.',
  },
  invalid_reply: {
    status: 502,
    about: 'An HTTP function set a status or headers that cannot be sent; its log has the reason.',
  },
  unavailable: { status: 503, about: 'A part the engine needs is down; nothing was accepted.' },
  function_timeout: { status: 504, about: 'The function ran longer than its timeout.' },
  ambiguous_write: {
    status: 503,
    about:
      'The write may have taken place: the queue, the store or the database did not confirm it, or there is no memory for its reply. Look before repeating it; repeat an invocation with the same Idempotency-Key.',
  },
  loop_detected: {
    status: 508,
    about: 'The call comes from an invocation whose trigger depth is used up; it was not accepted.',
  },
  cancelled: { status: 499, about: 'The invocation was cancelled.' },
  build_failed: {
    status: 400,
    about: 'The compiler did not make a module of the source (command line only).',
  },
  bad_config: {
    status: 500,
    about: 'A setting is wrong or names something unreachable; the process does not start.',
  },
} as const satisfies Record<string, { status: number; about: string }>;

export type ErrorCode = keyof typeof ERRORS;

export interface AppErrorOptions {
  cause?: unknown;
  /** Seconds; sent as the Retry-After header (RFC 9110 §10.2.3). */
  retryAfter?: number;
  /** The invocation that the failure is about, if the caller does not know its id. */
  requestId?: string;
  /** Overrides the status of the code's row, for codes with more than one status. */
  status?: number;
}

/**
 * The error class of everything that callers may see: only this leaves a port, a use case or a
 * route. Match on `code`, never on the message. Within a driver, the queue or the workers, other
 * classes may signal what their own caller handles (`RejectedRequest`, `GuestLimitReached`); it
 * converts them before they go further.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryAfter: number | undefined;
  readonly requestId: string | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.status = options.status ?? ERRORS[code].status;
    this.retryAfter = options.retryAfter;
    this.requestId = options.requestId;
  }
}

export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code);
}

/** Returns whether a text is a code of the table. */
export function isErrorCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(ERRORS, code);
}

/** Returns the message of a thrown value of any type. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
