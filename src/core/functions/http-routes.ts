import { hash } from 'node:crypto';
import createRouter, { type HTTPMethod, type Instance } from 'find-my-way';
import { LRUCache } from 'lru-cache';
import type { FunctionVersion } from '../../contract/function.js';
import {
  HTTP_METHODS,
  type HttpMethod,
  type ParsedRoute,
  parseRoute,
  routeShape,
} from '../../contract/http-function.js';
import { routeTaken } from '../../contract/http-route.js';
import type { FunctionName, Namespace } from '../../contract/ids.js';
import type { Catalog } from './catalog.js';

/**
 * Maximum length of a parameter's value; longer ones do not match. Limits backtracking in
 * find-my-way.
 */
const MAX_PARAMETER_LENGTH = 4096;
/** LRUCache allocates space for all entries when it is created. */
const MAX_TABLES = 5000;
/** Key under which find-my-way returns the text that a wildcard matched. */
const WILDCARD = '*';

export interface RouteMatch {
  function: FunctionName;
  /** The route as in function.yaml: `GET /users/{id}`. */
  route: string;
  params: Record<string, string>;
}

/** The routes of all functions of one namespace, by method and path. */
export interface RouteTable {
  match(method: HttpMethod, path: string): RouteMatch | null;
  /** Returns the methods for which a route matches the path. */
  methods(path: string): HttpMethod[];
}

interface RouteTarget {
  function: FunctionName;
  route: string;
  /** Parameter name of the route's `{name...}`. */
  rest: string | null;
}

interface BuiltTable {
  /** Hash of the routes and their functions. */
  digest: string;
  table: RouteTable;
}

/**
 * Route tables of HTTP functions, cached as long as the catalog's list of functions. A new list
 * with the same routes gets the same table, since building one takes long.
 */
export class HttpRoutes {
  readonly #catalog: Catalog;
  readonly #tables = new WeakMap<readonly FunctionVersion[], RouteTable>();
  readonly #built = new LRUCache<Namespace, BuiltTable>({ max: MAX_TABLES });

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /**
   * Resolves with the route table. `reload` bypasses the cache, so that a route that another
   * process has just deployed is found.
   */
  async table(namespace: Namespace, options?: { reload: boolean }): Promise<RouteTable> {
    const functions = await this.#catalog.functions(namespace, options);
    let table = this.#tables.get(functions);
    if (table === undefined) {
      table = this.#tableOf(namespace, functions);
      this.#tables.set(functions, table);
    }
    return table;
  }

  #tableOf(namespace: Namespace, functions: readonly FunctionVersion[]): RouteTable {
    const routes = functions.flatMap(({ name, metadata }) =>
      (metadata.http?.routes ?? []).map((route) => `${name} ${route}`),
    );
    // Namespaces without routes, which anybody can invent, must not displace others.
    if (routes.length === 0) return NO_ROUTES;
    const digest = hash('sha256', routes.join('\n'));
    const built = this.#built.get(namespace);
    if (built?.digest === digest) return built.table;
    const table = createRouteTable(functions);
    this.#built.set(namespace, { digest, table });
    return table;
  }
}

const NO_ROUTES: RouteTable = { match: () => null, methods: () => [] };

function createRouteTable(functions: readonly FunctionVersion[]): RouteTable {
  const router = createRouter({ caseSensitive: true, maxParamLength: MAX_PARAMETER_LENGTH });
  const claimed = new Set<string>();
  for (const { name, metadata } of functions) {
    for (const text of metadata.http?.routes ?? []) {
      const route = parseRoute(text);
      // The store prevents duplicate routes, but one from before the routes table existed may
      // contain duplicates from concurrent deploys.
      const shape = route && routeShape(route);
      if (route === null || shape === null || claimed.has(shape)) continue;
      claimed.add(shape);
      addRoute(router, route, { function: name, route: text, rest: restOf(route) });
    }
  }
  const match = (method: HttpMethod, path: string): RouteMatch | null => {
    const found = router.find(method as HTTPMethod, path);
    if (found === null) return null;
    const target = found.store as RouteTarget;
    const params: Record<string, string> = Object.create(null);
    for (const [name, value] of Object.entries(found.params)) {
      params[name === WILDCARD ? (target.rest ?? WILDCARD) : name] = value ?? '';
    }
    if (target.rest !== null) params[target.rest] ??= '';
    return { function: target.function, route: target.route, params };
  };
  return { match, methods: (path) => HTTP_METHODS.filter((method) => match(method, path) !== null) };
}

/**
 * Throws `conflict` if another function of the namespace has one of the routes, before anything is
 * stored. Of two concurrent deploys that pass this check, the store refuses the second.
 */
export async function assertRoutesFree(
  catalog: Catalog,
  namespace: Namespace,
  name: FunctionName,
  routes: readonly string[],
): Promise<void> {
  if (routes.length === 0) return;
  const taken = new Map<string, { function: FunctionName; route: string }>();
  for (const other of await catalog.functions(namespace, { reload: true })) {
    if (other.name === name) continue;
    for (const text of other.metadata.http?.routes ?? []) {
      const route = parseRoute(text);
      if (route !== null) taken.set(routeShape(route), { function: other.name, route: text });
    }
  }
  for (const text of routes) {
    const route = parseRoute(text);
    const owner = route === null ? undefined : taken.get(routeShape(route));
    if (owner === undefined) continue;
    throw routeTaken(text, owner);
  }
}

function addRoute(router: Instance<never>, route: ParsedRoute, target: RouteTarget): void {
  const noop = () => undefined;
  const path = `/${route.segments.map(toSegment).join('/')}`;
  router.on(route.method as HTTPMethod, path, noop, target);
  // The rest may be empty: `/files/{path...}` also matches `/files`.
  if (target.rest !== null && route.segments.length > 1) {
    router.on(route.method as HTTPMethod, path.slice(0, -'/*'.length), noop, target);
  }
}

function toSegment({ kind, name }: ParsedRoute['segments'][number]): string {
  if (kind === 'fixed') return name.replaceAll(':', '::');
  // A parameter matches one segment, which is never empty: `/users/` does not match `/users/{id}`.
  return kind === 'rest' ? WILDCARD : `:${name}([\\s\\S]+)`;
}

function restOf({ segments }: ParsedRoute): string | null {
  const last = segments.at(-1);
  return last?.kind === 'rest' ? last.name : null;
}
