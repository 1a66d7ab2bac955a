import { join } from 'node:path';
import test from 'ava';
import type { FunctionVersion } from '../../src/contract/function.js';
import { MAX_ROUTES_LENGTH } from '../../src/contract/http-route.js';
import { functionNameSchema, type Namespace } from '../../src/contract/ids.js';
import { HttpRoutes } from '../../src/core/functions/http-routes.js';
import { aNamespace } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';
import { openUseCases } from './use-cases.js';

const directory = tempDir();
const useCases = shared(() => openUseCases(join(directory, 'cases')));
const nameOf = (text: string) => functionNameSchema.parse(text);
const withRoutes = (...routes: string[]) => ({ metadata: { http: { routes } } });

test('reloads of an unchanged namespace do not read its functions again, and concurrent ones share', async (t) => {
  const { catalog, deploy, store } = await useCases();
  const namespace = aNamespace();
  await deploy({ name: nameOf('users'), ...withRoutes('GET /users') }, namespace);
  const { listWithoutEnv } = store.functions;
  let lists = 0;
  store.functions.listWithoutEnv = (given) => {
    lists++;
    return listWithoutEnv(given);
  };
  t.teardown(() => {
    store.functions.listWithoutEnv = listWithoutEnv;
  });
  const reload = () => catalog.functions(namespace, { reload: true });
  await reload();
  lists = 0;
  const started = performance.now();
  for (let index = 0; index < 5; index++) await reload();
  // A list that is older than 2 s is read again.
  t.true(lists <= 1 + (performance.now() - started) / 2000, String(lists));
  await deploy({ name: nameOf('orders'), ...withRoutes('GET /orders') }, namespace);
  lists = 0;
  const all = await Promise.all(Array.from({ length: 16 }, reload));
  t.true(all.every((functions) => functions.length === 2));
  t.true(lists <= 2, String(lists));
});

test('the tables used last are kept, and no others, however many namespaces have as many routes as are allowed', async (t) => {
  const lists = new Map<Namespace, FunctionVersion[]>();
  const routes = new HttpRoutes({ functions: async (namespace) => lists.get(namespace) ?? [] });
  const path = 'a/'.repeat(200);
  const full = Array.from({ length: MAX_ROUTES_LENGTH / 420 }, (_, at) => `GET /${path}${at}`);
  const settings = { http: { routes: full } };
  const namespaces = Array.from({ length: 40 }, () => aNamespace());
  for (const namespace of namespaces) {
    lists.set(namespace, [{ name: nameOf('full'), metadata: settings } as unknown as FunctionVersion]);
  }
  const [first, second] = namespaces as [Namespace, Namespace];
  const [table, other] = [await routes.table(first), await routes.table(second)];
  for (const namespace of namespaces.slice(2)) {
    await routes.table(namespace);
    t.true((await routes.table(first)) === table, 'it is in use');
  }
  t.false((await routes.table(second)) === other);
});

test('a reload builds a new route table only if functions or routes have changed', async (t) => {
  const { catalog, deploy } = await useCases();
  const routes = new HttpRoutes(catalog);
  const namespace = aNamespace();
  const reloaded = () => routes.table(namespace, { reload: true });

  t.is((await reloaded()).match('GET', '/users'), null);
  await deploy({ name: nameOf('users'), ...withRoutes('GET /users', 'GET /users/{id}') }, namespace);
  const first = await reloaded();
  t.like(first.match('GET', '/users/7'), { function: 'users', params: { id: '7' } });
  t.is(await reloaded(), first);
  // A new version with equal routes.
  await deploy({ name: nameOf('users'), ...withRoutes('GET /users', 'GET /users/{id}') }, namespace);
  t.is(await reloaded(), first);

  await deploy({ name: nameOf('users'), ...withRoutes('GET /users', 'GET /people/{id}') }, namespace);
  const second = await reloaded();
  t.not(second, first);
  t.is(second.match('GET', '/users/7'), null);
  t.like(second.match('GET', '/people/7'), { function: 'users' });
  await deploy({ name: nameOf('orders'), ...withRoutes('GET /orders') }, namespace);
  const third = await reloaded();
  t.like(third.match('GET', '/orders'), { function: 'orders' });
  t.is(await reloaded(), third);
});
