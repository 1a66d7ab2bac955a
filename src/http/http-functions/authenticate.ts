import type { IncomingMessage } from 'node:http';
import type { Principal } from '../../core/auth/principal.js';
import { assertFunction } from '../../core/auth/rights.js';
import { functionNotFound } from '../../core/functions/catalog.js';
import { engineCredential } from './engine-credential.js';
import type { Found } from './find.js';
import type { FunctionsHandlerDeps } from './handler-deps.js';
import type { RequestTarget } from './target.js';

/**
 * Authenticates the caller if the function requires it, and determines the headers to hide. The
 * engine's own credentials are never passed to a function.
 */
export async function authenticate(
  { admit, services }: FunctionsHandlerDeps,
  request: IncomingMessage,
  target: RequestTarget,
  { http, function: fn }: Found,
): Promise<{ principal: Principal | null; hidden: ReadonlySet<string> }> {
  const needsKey = http.auth === 'key';
  const { credential, headers: hidden } = await engineCredential(services.auth, request.headers);
  const { principal } = await admit(request, {
    access: needsKey ? 'required' : 'anybody',
    // A public function accepts any key.
    scope: needsKey ? 'invoke' : null,
    credential,
    namespace: undefined,
    otherNamespaces: 'everybody',
    limited: true,
  });
  if (needsKey && principal?.namespace !== target.namespace) {
    // For a credential of another namespace, the function does not exist.
    throw functionNotFound(fn.namespace, fn.name);
  }
  if (needsKey) assertFunction(principal, 'invoke', fn.name);
  return { principal: principal?.namespace === target.namespace ? principal : null, hidden };
}
