import type { VersionRef } from '../../contract/alias.js';
import type { FunctionVersion } from '../../contract/function.js';
import type { FunctionName, Namespace } from '../../contract/ids.js';
import { AppError } from '../../errors.js';
import { type Catalog, functionNotFound } from '../functions/catalog.js';
import type { Principal } from './principal.js';

export interface FunctionRef {
  namespace: Namespace;
  name: FunctionName;
  /** A version number or an alias. */
  version?: VersionRef | undefined;
}

export interface AccessDeps {
  catalog: Catalog;
  /** URL of HTTP functions; `{namespace}` is part of it or appended to it. */
  functionsUrl(): string;
}

/**
 * Throws unless the principal may invoke the function through the API: one of its own namespace, or
 * a public one. For other credentials a private function does not exist (404); an anonymous call
 * gets 401. Without a version, the versions that may be chosen decide; a version or an alias that
 * is named is public only while the newest version is as well. A function that verifies signatures
 * can be called from outside its namespace only at its HTTP address, where they are verified.
 */
export async function assertMayInvoke(
  { catalog, functionsUrl }: AccessDeps,
  principal: Principal | null,
  { namespace, name, version }: FunctionRef,
): Promise<void> {
  if (principal?.namespace === namespace) return;
  const versions = await publicVersions(catalog, { namespace, name, version });
  if (versions !== null) {
    if (versions.every((fn) => fn.metadata.http?.verify === undefined)) return;
    throw needsSignature(principal, { namespace, name }, functionsUrl());
  }
  if (principal) throw functionNotFound(namespace, name);
  throw new AppError(
    'unauthorized',
    `Function "${name}" is not public; send an API key of namespace "${namespace}" as X-API-Key.`,
  );
}

/** Resolves with the versions that decide about a call, or null if one of them is private. */
async function publicVersions(
  catalog: Catalog,
  { namespace, name, version }: FunctionRef,
): Promise<FunctionVersion[] | null> {
  const isPublic = (fn: FunctionVersion) => fn.is_public;
  if (version === undefined) {
    const candidates = await catalog.candidates(namespace, name);
    return candidates.every(isPublic) ? candidates : null;
  }
  // The newest version is checked first: the message about a version or an alias that is missing
  // would tell other namespaces of a private function.
  const newest = await catalog.resolve(namespace, name);
  if (!newest.is_public) return null;
  const versions = [newest, ...(await catalog.candidates(namespace, name, version))];
  return versions.every(isPublic) ? versions : null;
}

function needsSignature(
  principal: Principal | null,
  { namespace, name }: FunctionRef,
  functionsUrl: string,
): AppError {
  const base = functionsUrl.includes('{namespace}')
    ? functionsUrl.replace('{namespace}', namespace)
    : `${functionsUrl}/${namespace}`;
  return new AppError(
    principal === null ? 'unauthorized' : 'forbidden',
    `Function "${name}" verifies the signature of its callers (http.verify); send the signed request to ${base}/${name}, or send an API key of namespace "${namespace}" as X-API-Key.`,
  );
}

/**
 * Identifies a caller of a function among callers that do not trust one another: a wallet, another
 * namespace, or, without a credential, what the request itself carries to authenticate its sender
 * to the function. Undefined for an API key of the function's own namespace.
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
