import type { IncomingHttpHeaders } from 'node:http';
import type { Auth } from '../../core/auth/auth.js';
import { isKeyShaped } from '../../core/auth/keys.js';
import { isAppError } from '../../errors.js';
import { tokenIn } from '../admission/credential.js';

const JWT_SHAPE = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const NONE: ReadonlySet<string> = new Set(['x-api-key']);
const BOTH: ReadonlySet<string> = new Set(['x-api-key', 'authorization']);

/**
 * Returns the engine's credential of a request, and the headers to hide from the function.
 * `X-API-Key` always belongs to the engine; `Authorization` only if it contains a key or token of
 * this engine, and otherwise to the function.
 */
export async function engineCredential(
  auth: Auth,
  headers: IncomingHttpHeaders,
): Promise<{ credential: string | null; headers: ReadonlySet<string> }> {
  const key = headers['x-api-key'];
  const own = typeof key === 'string' && key !== '' ? key : null;
  const token = tokenIn(headers.authorization ?? '');
  if (token === undefined) return { credential: own, headers: NONE };
  if (isKeyShaped(token)) return { credential: own ?? token, headers: BOTH };
  if (!JWT_SHAPE.test(token)) return { credential: own, headers: NONE };
  try {
    await auth.authenticate(token);
    return { credential: own ?? token, headers: BOTH };
  } catch (error) {
    // A token without any right on this engine does not belong to it.
    if (!isAppError(error, 'unauthorized') && !isAppError(error, 'forbidden')) throw error;
    return { credential: own, headers: NONE };
  }
}
