import test from 'ava';
import fc from 'fast-check';
import { type ParsedRoute, parseRoute, routeShape } from '../../src/contract/http-function.js';
import { pathSegments, RouteTree } from '../../src/core/functions/route-tree.js';

/** Every path of at most this many segments of this alphabet, with those that a route can have. */
const TEXTS = ['a', 'b', '{p}', '{q}'];
const ALL = upTo(3, TEXTS).flatMap((path) => [path, [...path, '{rest...}']]);
const ROUTES = ALL.flatMap((path) => parseRoute(`GET /${path.join('/')}`) ?? []);
const PATHS = upTo(4, ['a', 'b', 'c', '']);

function upTo(length: number, texts: readonly string[]): string[][] {
  const shorter = length === 0 ? [] : upTo(length - 1, texts);
  return [[], ...shorter.flatMap((path) => texts.map((text) => [text, ...path]))];
}

/** How a route matches a path: one letter for each segment, by rank; null if it does not. */
function rankOf({ segments }: ParsedRoute, path: readonly string[]): string | null {
  let rank = '';
  for (const [index, { kind, name }] of segments.entries()) {
    if (kind === 'rest') return `${rank}c`;
    const segment = path[index];
    if (segment === undefined || (kind === 'fixed' ? segment !== name : segment === '')) return null;
    rank += kind === 'fixed' ? 'a' : 'b';
  }
  return path.length === segments.length ? rank : null;
}

/** Of the routes that match, the one that is the most specific from the left. */
function expected(routes: readonly ParsedRoute[], path: readonly string[]): string | null {
  const ranked = routes.flatMap((route) => {
    const rank = rankOf(route, path);
    return rank === null ? [] : [{ rank, shape: routeShape(route) }];
  });
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
  return ranked[0]?.shape ?? null;
}

function found(routes: readonly ParsedRoute[], path: readonly string[]): string | null {
  const tree = new RouteTree<string>();
  for (const route of routes) tree.add(route, routeShape(route));
  return tree.find('GET', path);
}

test('any two routes can be together, and the more specific one from the left wins', (t) => {
  for (const first of ROUTES) {
    for (const second of ROUTES) {
      for (const path of [[], ['a'], ['a', 'b'], ['c', 'a', 'b'], ['a', 'c', '', 'b']]) {
        const both = [first, second];
        if (found(both, path) !== expected(both, path)) {
          t.fail(`${first.path} and ${second.path} at ${JSON.stringify(path)}`);
        }
      }
    }
  }
  t.pass();
});

test('of any routes, the most specific one from the left wins', (t) => {
  const routes = fc.uniqueArray(fc.constantFrom(...ROUTES), { selector: routeShape, maxLength: 12 });
  fc.assert(
    fc.property(routes, fc.constantFrom(...PATHS), (given, path) => {
      t.is(found(given, path), expected(given, path));
    }),
    { numRuns: 2000 },
  );
});

test('segments are decoded one by one, and a malformed escape matches nothing', (t) => {
  t.deepEqual(pathSegments('/'), []);
  t.deepEqual(pathSegments('/%40me/a%2Fb/'), ['@me', 'a/b', '']);
  t.is(pathSegments('/%4'), null);
});
