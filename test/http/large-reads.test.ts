import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import Koa from 'koa';
import { MB } from '../../src/contract/limits.js';
import { AppError } from '../../src/errors.js';
import { createClientAddresses } from '../../src/http/admission/client-address.js';
import { dispatch, type Serving } from '../../src/http/dispatch.js';
import { createBufferLimits } from '../../src/http/request/buffer-limits.js';
import { createLargeReplies } from '../../src/http/response/large-replies.js';
import type { Route } from '../../src/http/route.js';
import { get } from '../../src/http/routes/cache.js';
import { getPresence } from '../../src/http/routes/pubsub.js';
import { until } from '../helpers/until.js';

const GET_ENTRY = { method: 'POST', body: '{"key":"k"}', headers: { 'content-type': 'application/json' } };
const settled = () => new Promise((resolve) => setTimeout(resolve, 50));

/** Serves one route. The namespace of a request is that of its query. */
async function serve(t: ExecutionContext, route: Route, services: unknown) {
  const serving = {
    services,
    admit: async (_: unknown, { namespace }: { namespace: string }) => ({
      ...{ principal: { namespace, rights: {} }, namespace },
    }),
    buffers: createBufferLimits(createClientAddresses([]), 20_000),
    largeReplies: createLargeReplies(),
  } as unknown as Serving;
  const app = new Koa().use(async (ctx, next) => {
    await next().catch((error) => {
      ctx.status = error instanceof AppError ? error.status : 500;
    });
  });
  const server = createServer(app.use(dispatch(route, serving)).callback());
  t.teardown(() => server.close());
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return async (namespace: string, init: RequestInit = {}) => {
    const more = route === getPresence ? '&topic=room' : '';
    const response = await fetch(`http://127.0.0.1:${port}/?namespace=${namespace}${more}`, init);
    return { status: response.status, text: await response.text() };
  };
}

/** Reads that end on command. */
function heldReads<T>(value: T) {
  const reads: { namespace: string; end: () => void }[] = [];
  const read = (namespace: string) =>
    new Promise<T>((resolve) => reads.push({ namespace, end: () => resolve(value) }));
  const of = (namespace: string) => reads.filter((one) => one.namespace === namespace).length;
  return { reads, read, of };
}

/** A cache of which every value has the size, and whose large values are read on command. */
function cacheOf(size: number) {
  const held = heldReads(Buffer.from('"v"'));
  const small = Buffer.from('"small"');
  const getUpTo = async (_: string, _key: string, max: number) => (size > max ? size : small);
  return { ...held, cache: { getUpTo, get: held.read } };
}

test('large cache entries are read two at once of a namespace, and those of another namespace beside them', async (t) => {
  const { cache, reads, of } = cacheOf(8 * MB);
  const request = await serve(t, get, { cache });
  const all = ['a', 'a', 'a', 'a', 'b'].map((namespace) => request(namespace, GET_ENTRY));
  await until('the reads have begun', () => of('a') === 2 && of('b') === 1);
  await settled();
  t.is(of('a'), 2);
  reads[0]?.end();
  await until('the next read begins', () => of('a') + of('b') === 4);
  for (let ended = 0; ended < 5; )
    for (; ended < reads.length; ended += 1, await settled()) reads[ended]?.end();
  t.deepEqual(new Set((await Promise.all(all)).map(({ text }) => text)).size, 1);
});

test('a large cache entry is read once memory for it is reserved, and is 429 without', async (t) => {
  const { cache, reads } = cacheOf(100 * MB);
  const request = await serve(t, get, { cache });
  const first = request('a', GET_ENTRY);
  await until('it is read', () => reads.length === 1);
  t.is((await request('a', GET_ENTRY)).status, 429);
  t.is(reads.length, 1);
  reads[0]?.end();
  t.is((await first).status, 200);
});

test('small cache entries wait for no turn and are read once', async (t) => {
  const { cache, reads } = cacheOf(64 << 10);
  const request = await serve(t, get, { cache });
  const { status, text } = await request('a', GET_ENTRY);
  t.is(status, 200);
  t.is(text, '{"dmap":"default","key":"k","value":"small"}');
  t.is(reads.length, 0);
});

test('the members of topics are read two lists at once of a namespace', async (t) => {
  const { reads, read, of } = heldReads([]);
  const request = await serve(t, getPresence, { presence: { members: read } });
  const all = ['a', 'a', 'a', 'b'].map((namespace) => request(namespace));
  await until('the reads have begun', () => of('a') === 2 && of('b') === 1);
  await settled();
  t.is(of('a'), 2);
  reads[0]?.end();
  await until('the next read begins', () => of('a') + of('b') === 4);
  for (const { end } of reads) end();
  for (const { text } of await Promise.all(all)) t.is(text, '{"topic":"room","members":[],"count":0}');
});
