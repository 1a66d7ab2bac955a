/** An error response of the API: its status, error code and message. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  try {
    const { error, code } = JSON.parse(text) as { error?: string; code?: string };
    return new ApiError(response.status, code ?? '', error ?? `HTTP ${response.status}`);
  } catch {
    return new ApiError(response.status, '', text.slice(0, 1000) || `HTTP ${response.status}`);
  }
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
