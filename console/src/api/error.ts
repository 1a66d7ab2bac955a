/** An error response of the API: its status, error code and message. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    /** Empty if the engine has not sent the response. */
    readonly code: string,
    message: string,
    /** How long the engine asks to wait before the next request. */
    readonly retryAfterSeconds = 0,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/**
 * Returns whether the engine has refused a request with one of these statuses. A proxy may send the
 * same ones while it cannot reach the engine.
 */
export function isRefused(error: unknown, ...statuses: readonly number[]): boolean {
  return error instanceof ApiError && error.code !== '' && statuses.includes(error.status);
}

/** Returns the error of a response other than 2xx. Rejects if its body is not the engine's. */
export async function errorOf(response: Response): Promise<ApiError> {
  const reply = await jsonOf<{ error?: string; code?: string } | null>(response);
  const seconds = Number(response.headers.get('retry-after') ?? 0);
  return new ApiError(
    response.status,
    reply?.code ?? '',
    reply?.error ?? `HTTP ${response.status}`,
    Number.isFinite(seconds) ? seconds : 0,
  );
}

/**
 * Reads JSON. Throws an `ApiError` if the body is something else: the engine sends JSON, and what
 * stands between it and the browser may send pages of its own.
 */
export async function jsonOf<T>(response: Response, parse: (text: string) => unknown = JSON.parse) {
  const text = await response.text();
  try {
    return parse(text) as T;
  } catch {
    throw notFromEngine(response, text);
  }
}

/** The error of a response that the engine has not sent. */
export function notFromEngine({ status, headers }: Response, text = ''): ApiError {
  const type = headers.get('content-type') ?? '';
  const said = /html/i.test(type) || /^\s*</.test(text) ? '' : text.slice(0, 1000).trim();
  const message = 'The reply is not from the engine, but perhaps from a proxy in front of it';
  return new ApiError(status, '', `HTTP ${status}. ${message}${said === '' ? '.' : `: ${said}`}`);
}

/** For requests that may have been carried out although no response has arrived. */
const UNKNOWN_OUTCOME = 'Whether the request has taken effect is unknown: check that before you repeat it.';

/** The error of a request that got no response. */
export function unreachable(isChange: boolean): ApiError {
  return noResponse('The engine cannot be reached. It may be stopped or restarting.', isChange);
}

/** The error of a request whose response did not begin, or did not go on, in time. */
export function silent(ms: number, isChange: boolean): ApiError {
  return noResponse(`The engine has not answered for ${ms / 1000} s.`, isChange);
}

function noResponse(message: string, isChange: boolean): ApiError {
  return new ApiError(0, 'unreachable', isChange ? `${message} ${UNKNOWN_OUTCOME}` : message);
}

/** Returns the message of anything thrown: wallets throw objects that are no `Error` (EIP-1193). */
export function messageOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message);
  return String(error);
}
