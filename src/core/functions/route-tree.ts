import type { HttpMethod, ParsedRoute } from '../../contract/http-function.js';

/** A path as sent, split into decoded segments: `/a%2Fb/c` has two. */
export type PathSegments = readonly string[];

/** The targets of the routes that end at a node, by method. */
type Targets<T> = Partial<Record<HttpMethod, T>>;

interface Node<T> {
  /** The nodes of fixed segments, by their texts. */
  fixed: Map<string, Node<T>> | null;
  parameter: Node<T> | null;
  /** Routes that end here. */
  ends: Targets<T> | null;
  /** Routes that continue with `{name...}`. */
  rests: Targets<T> | null;
}

/**
 * Routes as a tree of their segments. A match visits each node at most once, so its time is limited
 * by the number of routes, whatever the path.
 */
export class RouteTree<T> {
  readonly #root: Node<T> = newNode();

  /** Adds a route. The first one of several with the same shape is kept. */
  add({ method, segments }: Pick<ParsedRoute, 'method' | 'segments'>, target: T): void {
    let node = this.#root;
    for (const { kind, name } of segments) {
      if (kind === 'rest') {
        node.rests ??= {};
        node.rests[method] ??= target;
        return;
      }
      node = kind === 'fixed' ? fixedChild(node, name) : parameterChild(node);
    }
    node.ends ??= {};
    node.ends[method] ??= target;
  }

  /**
   * Returns the target of the most specific route: at each segment, from the left, a fixed one goes
   * before a parameter, and that before a rest, which may be empty.
   */
  find(method: HttpMethod, path: PathSegments): T | null {
    return findFrom(this.#root, method, path, 0);
  }
}

function newNode<T>(): Node<T> {
  return { fixed: null, parameter: null, ends: null, rests: null };
}

function fixedChild<T>(node: Node<T>, text: string): Node<T> {
  node.fixed ??= new Map();
  let child = node.fixed.get(text);
  if (child === undefined) {
    child = newNode();
    node.fixed.set(text, child);
  }
  return child;
}

function parameterChild<T>(node: Node<T>): Node<T> {
  node.parameter ??= newNode();
  return node.parameter;
}

/** The recursion is as deep as the longest route has segments, at most 256. */
function findFrom<T>(node: Node<T>, method: HttpMethod, path: PathSegments, index: number): T | null {
  const segment = path[index];
  if (segment === undefined) return node.ends?.[method] ?? node.rests?.[method] ?? null;
  const fixed = node.fixed?.get(segment);
  const byFixed = fixed === undefined ? null : findFrom(fixed, method, path, index + 1);
  if (byFixed !== null) return byFixed;
  // A parameter is never empty: `/users/` does not match `/users/{id}`.
  if (node.parameter !== null && segment !== '') {
    const byParameter = findFrom(node.parameter, method, path, index + 1);
    if (byParameter !== null) return byParameter;
  }
  return node.rests?.[method] ?? null;
}

/** Splits a path into decoded segments. Returns null if an escape is malformed. */
export function pathSegments(path: string): PathSegments | null {
  if (path === '/') return [];
  const segments = path.slice(1).split('/');
  if (!path.includes('%')) return segments;
  try {
    return segments.map(decodeURIComponent);
  } catch {
    return null;
  }
}
