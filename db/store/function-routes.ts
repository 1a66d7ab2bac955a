import type { Knex } from 'knex';
import { LIVE_ALIAS } from '../../src/contract/alias.js';
import { parseRoute, routeShape } from '../../src/contract/http-function.js';
import { MAX_ROUTES_LENGTH, routeTaken, tooManyRoutes } from '../../src/contract/http-route.js';
import type { FunctionName, Namespace } from '../../src/contract/ids.js';
import type { AppError } from '../../src/errors.js';
import type { Database, Query } from '../database.js';

interface RouteRow {
  namespace: Namespace;
  shape: string;
  function: FunctionName;
  route: string;
}

interface FunctionKey {
  namespace: Namespace;
  name: FunctionName;
}

/**
 * The versions whose routes a function has: the newest, those of the alias `live`, and those
 * between which a running rollout moves it.
 */
const CAN_BE_LIVE = `
v.namespace = ? and v.name = ? and (
  v.version = (select last_version from functions f where f.namespace = v.namespace and f.name = v.name)
  or exists (
    select 1 from aliases a
    where a.namespace = v.namespace and a.function = v.name and a.alias = '${LIVE_ALIAS}'
      and (a.version = v.version
        or exists (select 1 from json_each(a.weights) where cast(key as integer) = v.version)))
  or exists (
    select 1 from rollouts r
    where r.namespace = v.namespace and r.function = v.name and r.state = 'running'
      and v.version in (r.from_version, r.to_version)))`;

/** The same as `routeShape`, so that a batch need not know the versions that can be live. */
const SHAPE = `
substr(routes.value, 1, instr(routes.value, ' ')) || '/' || (
  select group_concat(segment, '/') from (
    select case when value like '{%...}' then '{...}' when value like '{%}' then '{}' else value end as segment
    from json_each('[' ||
      replace(json_quote(substr(routes.value, instr(routes.value, ' ') + 2)), '/', '","') || ']')
    order by key))`;

const CLAIM_ROUTES = `
insert into function_routes (namespace, shape, function, route)
select v.namespace, ${SHAPE} as shape, v.name, max(routes.value)
from function_versions v, json_each(v.metadata, '$.http.routes') routes
where ${CAN_BE_LIVE} group by shape`;

/** Violates the constraint of a column if the function has routes, and the namespace too many. */
const FAIL_IF_TOO_MANY = `
insert into function_routes (namespace, shape, function, route)
select ?, null, '', '' where exists (select 1 from function_routes where namespace = ? and function = ?)
  and (select sum(length(route)) from function_routes where namespace = ?) > ${MAX_ROUTES_LENGTH}`;

/**
 * Replaces the routes of a function by those of all versions that can be live. Must follow, in the
 * same batch, every change of these versions: a constraint fails the batch if another function has
 * one of the routes, or if the routes of the namespace become too long.
 */
export function claimRoutes(knex: Knex, { namespace, name }: FunctionKey): Query<unknown>[] {
  return [
    releaseRoutes(knex, namespace, name),
    knex.raw(CLAIM_ROUTES, [namespace, name]),
    knex.raw(FAIL_IF_TOO_MANY, [namespace, namespace, name, namespace]),
  ];
}

/** Returns the query that deletes the routes of a function. */
export function releaseRoutes(knex: Knex, namespace: Namespace, name: FunctionName): Query<unknown> {
  return knex<RouteRow>('function_routes').where({ namespace, function: name }).delete();
}

/**
 * Runs a batch with `claimRoutes`. Throws `conflict` if it fails because of the routes of the
 * function's versions that can be live, or of the new ones: another function has one of them, or
 * the namespace too many.
 *
 * @param added Routes of a new version, or existing versions that the batch makes live.
 */
export async function batchWithRoutes<T>(
  database: Database,
  fn: FunctionKey,
  added: { routes?: readonly string[]; versions?: readonly number[] },
  batch: () => Promise<T>,
): Promise<T> {
  try {
    return await batch();
  } catch (error) {
    throw (await refusalOf(database, fn, added).catch(() => null)) ?? error;
  }
}

async function refusalOf(
  { knex, run }: Database,
  { namespace, name }: FunctionKey,
  { routes = [], versions = [] }: { routes?: readonly string[]; versions?: readonly number[] },
): Promise<AppError | null> {
  const stored = await run<{ route: string }[]>(
    knex.raw(
      `select routes.value as route from function_versions v, json_each(v.metadata, '$.http.routes') routes
       where (${CAN_BE_LIVE}) or (v.namespace = ? and v.name = ? and v.version in (select value from json_each(?)))`,
      [namespace, name, namespace, name, JSON.stringify(versions)],
    ),
  );
  const others = await run<RouteRow[]>(
    knex<RouteRow>('function_routes').where({ namespace }).whereNot({ function: name }),
  );
  const owners = new Map(others.map((row) => [row.shape, row]));
  const own = new Map<string, string>();
  for (const route of [...routes, ...stored.map((row) => row.route)]) {
    const shape = shapeOf(route);
    const owner = owners.get(shape);
    if (owner !== undefined) return routeTaken(route, owner);
    own.set(shape, route);
  }
  const length = [...others.map(({ route }) => route), ...own.values()].join('').length;
  return length > MAX_ROUTES_LENGTH ? tooManyRoutes(length) : null;
}

function shapeOf(text: string): string {
  const route = parseRoute(text);
  return route === null ? text : routeShape(route);
}
