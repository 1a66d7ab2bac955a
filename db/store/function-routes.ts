import type { Knex } from 'knex';
import { parseRoute, routeShape } from '../../src/contract/http-function.js';
import { routeTaken } from '../../src/contract/http-route.js';
import type { FunctionName, Namespace } from '../../src/contract/ids.js';
import type { Database, Query } from '../database.js';
import { cleanText } from './text.js';

interface RouteRow {
  namespace: Namespace;
  shape: string;
  function: FunctionName;
  route: string;
}

/**
 * Replaces the routes of a function by those of a new version. Must be part of the batch that adds
 * the version: the primary key fails the batch when another function has one of the routes.
 */
export function claimRoutes(
  knex: Knex,
  { namespace, name }: { namespace: Namespace; name: FunctionName },
  routes: readonly string[],
): Query<unknown>[] {
  const claims = new Map(routes.map((route) => [shapeOf(route), cleanText(route)]));
  return [
    releaseRoutes(knex, namespace, name),
    knex.raw(
      `insert into function_routes (namespace, shape, function, route)
       select ?, value->>0, ?, value->>1 from json_each(?)`,
      [namespace, name, JSON.stringify([...claims])],
    ),
  ];
}

/** Returns the query that deletes the routes of a function. */
export function releaseRoutes(knex: Knex, namespace: Namespace, name: FunctionName): Query<unknown> {
  return knex<RouteRow>('function_routes').where({ namespace, function: name }).delete();
}

/**
 * Throws `conflict` when another function has one of the routes. Called after a batch with
 * `claimRoutes` has failed, to find the reason.
 */
export async function assertUnclaimed(
  { knex, run }: Database,
  { namespace, name }: { namespace: Namespace; name: FunctionName },
  routes: readonly string[],
): Promise<void> {
  if (routes.length === 0) return;
  const claimed = await run<RouteRow[]>(
    knex<RouteRow>('function_routes').where({ namespace }).whereNot({ function: name }),
  );
  for (const route of routes) {
    const owner = claimed.find(({ shape }) => shape === shapeOf(route));
    if (owner !== undefined) throw routeTaken(route, owner);
  }
}

function shapeOf(text: string): string {
  const route = parseRoute(text);
  return route === null ? text : routeShape(route);
}
