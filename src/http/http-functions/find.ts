import { aliasSchema, type VersionRef } from '../../contract/alias.js';
import type { FunctionVersion } from '../../contract/function.js';
import { HTTP_METHODS, type HttpFunctionSettings, type HttpMethod } from '../../contract/http-function.js';
import { type FunctionName, functionNameSchema, type Namespace } from '../../contract/ids.js';
import type { Catalog } from '../../core/functions/catalog.js';
import type { HttpRoutes, RouteTable } from '../../core/functions/http-routes.js';
import { AppError, isAppError } from '../../errors.js';
import type { Matched } from './exchange-request.js';
import type { RequestTarget } from './target.js';

/** The function for a request and how it was matched. */
export interface Found extends Matched {
  function: FunctionVersion;
  /** `auth` is set, and `verify` if it applies. */
  http: HttpFunctionSettings;
  /** Set if the request names `name@version` or `name@alias`. */
  version?: VersionRef;
}

/**
 * `allowed`: the methods that the function accepts, with OPTIONS only if it handles that itself.
 */
export type FoundOrAllowed =
  | { kind: 'found'; found: Found }
  | { kind: 'other_methods'; allowed: HttpMethod[]; found: Found };

/** The first segment of a function's own address: `hello`, `hello@3`. */
const OWN_ADDRESS = /^([A-Za-z0-9_-]{1,64})(?:@([A-Za-z0-9_-]{1,64}))?$/;

/**
 * Finds the function for a method and path. A route takes precedence over a function's own address,
 * and the most specific route over others. HEAD matches GET if there is no route for HEAD. `method`
 * is null for one that HTTP functions do not support. `countUnknown` is called before the routes
 * are read from the store for an address at which no function is known. Throws `not_found`.
 */
export async function findFunction(
  { catalog, routes }: { catalog: Catalog; routes: HttpRoutes },
  target: RequestTarget,
  method: HttpMethod | null,
  countUnknown: () => Promise<void>,
): Promise<FoundOrAllowed> {
  const byRoute = await findByRoute(catalog, await routes.table(target.namespace), target, method);
  if (byRoute?.kind === 'found') return byRoute;
  const byName = await findByName(catalog, target, method);
  if (byName?.kind === 'found') return byName;
  if (byRoute === null && byName === null) {
    await countUnknown();
    // Absence is not cached: another process may have just deployed the route.
    const fresh = await routes.table(target.namespace, { reload: true });
    const again = await findByRoute(catalog, fresh, target, method);
    if (again) return again;
  }
  if (byName && byRoute) return { ...byName, allowed: inOrder([...byName.allowed, ...byRoute.allowed]) };
  const other = byName ?? byRoute;
  if (other) return other;
  throw new AppError('not_found', 'There is no function at this address.');
}

async function findByRoute(
  catalog: Catalog,
  table: RouteTable,
  { namespace, path }: RequestTarget,
  method: HttpMethod | null,
): Promise<FoundOrAllowed | null> {
  const resolve = async (wanted: HttpMethod) => {
    const match = table.match(wanted, path) ?? (wanted === 'HEAD' ? table.match('GET', path) : null);
    if (match === null) return null;
    const served = await servedBy(catalog, namespace, match.function);
    if (!served?.http.routes.includes(match.route)) return null;
    return { ...served, route: match.route, params: match.params };
  };
  const found = method === null ? null : await resolve(method);
  if (found) return { kind: 'found', found };
  const methods = table.methods(path);
  const [first] = methods;
  const other = first === undefined ? null : await resolve(first);
  return other && { kind: 'other_methods', allowed: withHead(methods), found: other };
}

async function findByName(
  catalog: Catalog,
  { namespace, path }: RequestTarget,
  method: HttpMethod | null,
): Promise<FoundOrAllowed | null> {
  // Decoded, as clients may encode the "@".
  const match = OWN_ADDRESS.exec(decodeURIComponent(path.split('/')[1] ?? ''));
  const name = functionNameSchema.safeParse(match?.[1]);
  if (match === null || !name.success) return null;
  const ref = versionRefOf(match[2]);
  if (ref === null) return null;
  const served = await servedBy(catalog, namespace, name.data, ref);
  if (served === null) return null;
  const found: Found = { ...served, route: null, params: {} };
  if (ref !== undefined) found.version = ref;
  const own = served.http.methods ?? HTTP_METHODS.filter((each) => each !== 'OPTIONS');
  const allowed = withHead(own);
  const isTaken = method !== null && allowed.includes(method);
  return isTaken ? { kind: 'found', found } : { kind: 'other_methods', allowed, found };
}

/** Parses a version number or an alias; null if the text is neither. */
function versionRefOf(text: string | undefined): VersionRef | undefined | null {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  const alias = aliasSchema.safeParse(text);
  return alias.success ? alias.data : null;
}

/**
 * Returns the version whose settings apply to the address, regardless of which version of an alias
 * is chosen; null if there is none or it is no HTTP function. Only access is decided by all of them
 * and, for a version or an alias that is named, by the newest version as well.
 */
async function servedBy(
  catalog: Catalog,
  namespace: Namespace,
  name: FunctionName,
  ref?: VersionRef,
): Promise<Pick<Found, 'function' | 'http'> | null> {
  try {
    const versions = await catalog.candidates(namespace, name, ref);
    const [first] = versions;
    if (!first?.metadata.http) return null;
    if (ref !== undefined) versions.push(await catalog.resolve(namespace, name));
    return { function: first, http: withAccessOf(versions, first.metadata.http) };
  } catch (error) {
    if (isAppError(error, 'function_not_found')) return null;
    throw error;
  }
}

/**
 * Returns the settings with the strictest access of the versions. Otherwise a version that demands
 * a key or a signature would run without it, and `name@1` would stay open when a later version
 * demands one.
 */
function withAccessOf(
  versions: readonly FunctionVersion[],
  settings: HttpFunctionSettings,
): HttpFunctionSettings {
  const verify =
    settings.verify ?? versions.find(({ metadata }) => metadata.http?.verify)?.metadata.http?.verify;
  return {
    ...settings,
    auth: versions.some(needsKey) ? 'key' : 'none',
    ...(verify === undefined ? {} : { verify }),
  };
}

function needsKey({ metadata, is_public: isPublic }: FunctionVersion): boolean {
  return (metadata.http?.auth ?? (isPublic ? 'none' : 'key')) === 'key';
}

function withHead(methods: readonly HttpMethod[]): HttpMethod[] {
  const all = new Set(methods);
  if (all.has('GET')) all.add('HEAD');
  return inOrder([...all]);
}

function inOrder(methods: readonly HttpMethod[]): HttpMethod[] {
  return HTTP_METHODS.filter((method) => methods.includes(method));
}
