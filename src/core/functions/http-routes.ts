import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { FunctionVersion } from '../../contract/function.js';
import { HTTP_METHODS, type HttpMethod, parseRoute, routeShape } from '../../contract/http-function.js';
import { MAX_ROUTES_LENGTH, routeTaken, tooManyRoutes } from '../../contract/http-route.js';
import type { FunctionName, Namespace } from '../../contract/ids.js';
import type { Catalog } from './catalog.js';
import { pathSegments, RouteTree } from './route-tree.js';

/** The characters of the routes of all tables that are kept. */
const MAX_KEPT_LENGTH = 32 * MAX_ROUTES_LENGTH;

export interface RouteMatch {
  function: FunctionName;
  /** The route as in function.yaml: `GET /users/{id}`. */
  route: string;
  params: Record<string, string>;
}

interface RouteTarget {
  function: FunctionName;
  route: string;
  /** The name of the parameter at each segment of the route; null for fixed segments. */
  names: readonly (string | null)[];
  /** Name of the route's `{name...}`. */
  rest: string | null;
}

/** The routes of all functions of one namespace, by method and path. */
export class RouteTable {
  readonly #tree = new RouteTree<RouteTarget>();

  constructor(functions: readonly FunctionVersion[]) {
    for (const { name, metadata } of functions) {
      for (const text of metadata.http?.routes ?? []) this.#add(name, text);
    }
  }

  match(method: HttpMethod, path: string): RouteMatch | null {
    const segments = pathSegments(path);
    const target = segments && this.#tree.find(method, segments);
    return target && { function: target.function, route: target.route, params: paramsOf(target, segments) };
  }

  /** Returns the methods for which a route matches the path. */
  methods(path: string): HttpMethod[] {
    const segments = pathSegments(path);
    return segments === null ? [] : HTTP_METHODS.filter((method) => this.#tree.find(method, segments));
  }

  #add(fn: FunctionName, text: string): void {
    const route = parseRoute(text);
    if (route === null) return;
    const names = route.segments.map(({ kind, name }) => (kind === 'parameter' ? name : null));
    const last = route.segments.at(-1);
    const rest = last?.kind === 'rest' ? last.name : null;
    this.#tree.add(route, { function: fn, route: text, names, rest });
  }
}

function paramsOf({ names, rest }: RouteTarget, segments: readonly string[]): Record<string, string> {
  const params: Record<string, string> = Object.create(null);
  for (const [index, name] of names.entries()) {
    if (name !== null) params[name] = segments[index] ?? '';
  }
  if (rest !== null) params[rest] = segments.slice(names.length - 1).join('/');
  return params;
}

/** The routes of a list of functions. */
interface RouteList {
  /** Hash of the routes and their functions. */
  digest: string;
  length: number;
}

interface BuiltTable {
  /** That of its routes. */
  digest: string;
  table: RouteTable;
}

const NO_ROUTES = new RouteTable([]);

/**
 * Route tables of HTTP functions. Only those used last are kept, as a table takes far more memory
 * than the functions that it is built from. A new list of functions with the same routes gets the
 * same table.
 */
export class HttpRoutes {
  readonly #catalog: Pick<Catalog, 'functions'>;
  readonly #lists = new WeakMap<readonly FunctionVersion[], RouteList>();
  readonly #built = new LRUCache<Namespace, BuiltTable>({ maxSize: MAX_KEPT_LENGTH });

  constructor(catalog: Pick<Catalog, 'functions'>) {
    this.#catalog = catalog;
  }

  /**
   * Resolves with the route table. `reload` bypasses the cache, so that a route that another
   * process has just deployed is found.
   */
  async table(namespace: Namespace, options?: { reload: boolean }): Promise<RouteTable> {
    const functions = await this.#catalog.functions(namespace, options);
    const { digest, length } = this.#listOf(functions);
    if (length === 0) {
      this.#built.delete(namespace);
      return NO_ROUTES;
    }
    const built = this.#built.get(namespace);
    if (built?.digest === digest) return built.table;
    const table = new RouteTable(functions);
    this.#built.set(namespace, { digest, table }, { size: length });
    return table;
  }

  #listOf(functions: readonly FunctionVersion[]): RouteList {
    const known = this.#lists.get(functions);
    if (known !== undefined) return known;
    const text = functions
      .flatMap(({ name, metadata }) => (metadata.http?.routes ?? []).map((route) => `${name} ${route}`))
      .join('\n');
    const list = { digest: hash('sha256', text), length: text.length };
    this.#lists.set(functions, list);
    return list;
  }
}

/**
 * Throws `conflict` if another function of the namespace has one of the routes, or if the namespace
 * would have too many, before anything is stored. Of two concurrent deploys that pass this check,
 * the store refuses the second.
 */
export async function assertRoutesFree(
  catalog: Catalog,
  namespace: Namespace,
  name: FunctionName,
  routes: readonly string[],
): Promise<void> {
  if (routes.length === 0) return;
  const taken = new Map<string, { function: FunctionName; route: string }>();
  let length = routes.join('').length;
  for (const other of await catalog.functions(namespace, { reload: true })) {
    if (other.name === name) continue;
    for (const text of other.metadata.http?.routes ?? []) {
      length += text.length;
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
  if (length > MAX_ROUTES_LENGTH) throw tooManyRoutes(length);
}
