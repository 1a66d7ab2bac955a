import type { VersionRef } from '../contract/alias.js';
import type { FunctionName, Namespace } from '../contract/ids.js';
import { AppError } from '../errors.js';
import type { Principal } from './auth/principal.js';
import { type Catalog, functionNotFound } from './catalog.js';

export interface FunctionRef {
  namespace: Namespace;
  name: FunctionName;
  /** A version's number, or an alias. */
  version?: VersionRef;
}

/**
 * A function runs for its own namespace, and for anybody when it is public. To other credentials a
 * private one does not exist; to an anonymous call it is 401. An old version is public only while
 * the newest is.
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
