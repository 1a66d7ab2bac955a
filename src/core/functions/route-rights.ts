import type { FunctionVersion } from '../../contract/function.js';
import { parseRoute } from '../../contract/http-function.js';
import type { Namespace } from '../../contract/ids.js';
import { coversFunction, type Rights } from '../../contract/scopes.js';
import { AppError } from '../../errors.js';
import type { Catalog } from './catalog.js';

/**
 * Throws `insufficient_scope` if a key that is limited to some functions would give one of them a
 * route that matches the own address of another: routes win over own addresses, so that the
 * function would get its requests. Must be called for every change that can make a version live.
 */
export async function assertAddressesReached(
  catalog: Catalog,
  namespace: Namespace,
  rights: Rights,
  routes: readonly string[],
): Promise<void> {
  if (routes.length === 0 || rights.functions === null) return;
  for (const { name, metadata } of await catalog.functions(namespace, { reload: true })) {
    if (metadata.http === undefined || coversFunction(rights, name)) continue;
    const taking = routes.find((route) => canMatchBelow(route, name));
    if (taking === undefined) continue;
    throw new AppError(
      'insufficient_scope',
      `The route "${taking}" would take requests from function "${name}", which this key does not reach; choose another path, or use a key that is not limited to functions.`,
    );
  }
}

export function routesOf({ metadata }: Pick<FunctionVersion, 'metadata'>): readonly string[] {
  return metadata.http?.routes ?? [];
}

/** Returns whether a route can match a path whose first segment is the name, or `name@version`. */
function canMatchBelow(text: string, name: string): boolean {
  const first = parseRoute(text)?.segments[0];
  if (first === undefined) return false;
  return first.kind !== 'fixed' || first.name === name || first.name.startsWith(`${name}@`);
}
