import type { VersionRef } from '../contract/alias.js';
import type { FunctionName, Namespace } from '../contract/ids.js';
import { AppError } from '../errors.js';
import type { Principal } from './auth/principal.js';
import { type Catalog, functionNotFound } from './catalog.js';

export interface FunctionRef {
  namespace: Namespace;
  name: FunctionName;
  /** A version number or an alias. */
  version?: VersionRef;
}

/**
 * Throws unless the principal may invoke the function: one of its own namespace, or a public one.
 * For other credentials a private function does not exist (404); an anonymous call gets 401. An old
 * version is public only while the newest version is.
 */
export async function assertMayInvoke(
  catalog: Catalog,
  principal: Principal | null,
  { namespace, name, version }: FunctionRef,
): Promise<void> {
  if (principal?.namespace === namespace) return;
  const candidates = await catalog.candidates(namespace, name, version);
  const newest = await catalog.resolve(namespace, name);
  if (newest.is_public && candidates.every((fn) => fn.is_public)) return;
  if (principal) throw functionNotFound(namespace, name, version);
  throw new AppError(
    'unauthorized',
    `Function "${name}" is not public; send an API key of namespace "${namespace}" as X-API-Key.`,
  );
}

/**
 * Identifies a caller of a function among callers that do not trust one another: a wallet, another
 * namespace, or, without a credential, what the request itself carries to authenticate its sender to
 * the function. Undefined for an API key of the function's own namespace.
 */
export function callerOf(
  principal: Principal | null,
  namespace: Namespace,
  headers: { readonly authorization?: string | undefined; readonly cookie?: string | undefined } = {},
): string | undefined {
  if (principal === null) return `anonymous ${JSON.stringify([headers.authorization, headers.cookie])}`;
  if (principal.namespace !== namespace) return `namespace ${principal.namespace} ${principal.wallet}`;
  return principal.wallet === '' ? undefined : `wallet ${principal.wallet}`;
}
