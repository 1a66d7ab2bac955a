import test from 'ava';
import { schemaOf } from '../../src/http/pages/openapi.js';
import { routes } from '../../src/http/routes.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';

const engine = sharedEngine();

interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
  items?: Schema;
  anyOf?: Schema[];
  allOf?: Schema[];
}

/** Returns the paths in a schema at which an object accepts unknown keys. */
function openPlaces(schema: Schema, path: string): string[] {
  const own = schema.properties !== undefined && schema.additionalProperties !== false ? [path] : [];
  const inner = Object.entries(schema.properties ?? {}).flatMap(([key, one]) =>
    openPlaces(one, `${path}.${key}`),
  );
  const others = [...(schema.anyOf ?? []), ...(schema.allOf ?? []), ...(schema.items ? [schema.items] : [])];
  return [...own, ...inner, ...others.flatMap((one) => openPlaces(one, path))];
}

test('every request body schema rejects unknown keys at every level', (t) => {
  const open = routes.flatMap(({ method, path, body }) => {
    if (body?.kind === 'json')
      return openPlaces(schemaOf(body.schema, 'input') as Schema, `${method} ${path}`);
    return body?.kind === 'multipart'
      ? openPlaces(schemaOf(body.fields, 'input') as Schema, `${method} ${path}`)
      : [];
  });
  t.deepEqual(open, []);
  t.true(routes.filter(({ body }) => body?.kind === 'json').length > 20);
});

const bodies: [path: string, body: Record<string, unknown>, key: string][] = [
  ['/v1/cache/scan', { dmap: 'm', macth: '^a' }, 'macth'],
  ['/v1/cache/put', { dmap: 'm', key: 'k', value: 1, tttl: '5m' }, 'tttl'],
  ['/v1/rqlite/query', { sql: 'SELECT 1', arguments: [] }, 'arguments'],
  ['/v1/rqlite/transaction', { ops: [{ kind: 'query', sql: 'SELECT 1', arg: [] }] }, 'ops\\[0\\].arg'],
  ['/v1/storage/pin', { cid: 'x', replication: 3 }, 'replication'],
  ['/v1/pubsub/publish', { topic: 'a', data: 1, delay: 5 }, 'delay'],
  ['/v1/pubsub/publish/batch', { messages: [{ topic: 'a', data: 1, delay: 5 }] }, 'messages\\[0\\].delay'],
  ['/v1/auth/keys', { name: 'a', expires: '90d' }, 'expires'],
  ['/v1/auth/logout', { every: true }, 'every'],
];

for (const [path, body, key] of bodies) {
  test(`${path} returns 400 for an unknown key and names the key`, async (t) => {
    const api = await aTenant(await engine());
    const reply = await api.post(path, body);
    t.is(reply.status, 400, reply.text);
    t.regex(reply.json.error, new RegExp(`unknown key "${key}"`));
  });
}

test('a key of a megabyte is refused by a message that does not quote it', async (t) => {
  const { api } = await engine();
  const long = 'k'.repeat(1_000_000);
  const bodies: [path: string, body: Record<string, unknown>][] = [
    ['/v1/auth/challenge', { wallet: 'w', namespace: 'default' }],
    ['/v1/auth/verify', { wallet: 'w', nonce: 'n', signature: 's', namespace: 'default' }],
    ['/v1/auth/refresh', { refresh_token: 'r' }],
  ];
  for (const [path, body] of bodies) {
    const reply = await api.post(path, { ...body, [long]: 1 });
    t.is(reply.status, 400, path);
    t.regex(reply.json.error, /unknown key "k{79}…; the keys are /);
    t.true(reply.json.error.length < 400, path);
  }
});

test('a value of a megabyte is not quoted in a message either', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const long = '\u{1f600}'.repeat(250_000);
  const refused: [path: string, body: unknown][] = [
    ['/v1/rqlite/drop-table', { table: long }],
    ['/v1/cache/get', { dmap: long, key: 'k' }],
    ['/v1/storage/pin', { cid: long }],
    ['/v1/auth/keys', { name: 'a', expires_at: long }],
    ['/v1/auth/keys', { name: 'a', functions: [long] }],
    ['/v1/rqlite/find', { table: 'a', criteria: { [long]: 1 } }],
    ['/v1/pubsub/publish', { topic: `${long} `, data: 1 }],
    ['/v1/http-requests', { path: '/', headers: { [long]: 'a' } }],
    ['/v1/http-requests', { path: '/', headers: { a: { [long]: 'a' } } }],
    ['/v1/functions/probe/triggers', { cron: long }],
  ];
  for (const [path, body] of refused) {
    const reply = await api.post(path, body);
    t.is(reply.status, 400, `${path} ${reply.text.slice(0, 200)}`);
    t.true(reply.json.error.length < 400, `${path} ${reply.json.error.slice(0, 200)}`);
  }
});

test('a form with an unknown field returns 400', async (t) => {
  const api = await aTenant(await engine());
  const form = new FormData();
  form.set('file', new Blob(['x']), 'x.txt');
  form.set('replication', '3');
  const reply = await api.request('POST', '/v1/storage/upload', { body: form });
  t.is(reply.status, 400, reply.text);
  t.regex(reply.json.error, /unknown key "replication"/);
});

/** Bodies of routes that have no field `namespace` of their own. */
const changes: [method: string, path: string, body: Record<string, unknown>][] = [
  ['PUT', '/v1/functions/secrets', { name: 'A', value: 'a' }],
  ['POST', '/v1/functions/probe/triggers', { topic: 'a' }],
  ['POST', '/v1/functions/probe/triggers', { cron: '* * * * *' }],
  ['PUT', '/v1/functions/probe/aliases/live', { version: 1 }],
  ['POST', '/v1/functions/probe/rollback', { version: 1 }],
  ['POST', '/v1/rqlite/query', { sql: 'SELECT 1' }],
  ['POST', '/v1/rqlite/find', { table: 'sqlite_master', criteria: {} }],
  ['POST', '/v1/rqlite/transaction', { statements: ['SELECT 1'] }],
  ['POST', '/v1/cache/put', { key: 'k', value: 1 }],
];

test('every change takes its own namespace in the body and refuses another one', async (t) => {
  const api = await aTenantWithProbe(await engine());
  for (const [method, path, body] of changes) {
    const send = (namespace: unknown) =>
      api.request(method, path, { body: JSON.stringify({ ...body, namespace }) });
    const foreign = await send('default');
    t.like(foreign, { status: 403, json: { code: 'forbidden' } }, path);
    t.is((await send(7)).status, 400, path);
    const own = await send(api.namespace);
    t.true(own.status === 200 || own.status === 201, `${path} ${own.text}`);
  }
});

test('an upload takes its own namespace as a field and refuses another one', async (t) => {
  const api = await aTenant(await engine());
  const upload = (namespace: string) => {
    const body = new FormData();
    body.set('file', new Blob(['x']), 'x.txt');
    body.set('namespace', namespace);
    return api.request('POST', '/v1/storage/upload', { body });
  };
  t.is((await upload('default')).status, 403);
  t.is((await upload(api.namespace)).status, 200);
});

test('a route without body fields accepts an empty body or {}, and returns 400 for anything else', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const { json } = await api.post('/v1/functions/probe/triggers', { cron: '0 0 1 1 *' });
  for (const path of [
    '/v1/functions/probe/dead/replay',
    `/v1/functions/probe/triggers/${json.trigger.id}/run`,
  ]) {
    t.is((await api.request('POST', path)).status, 202, path);
    t.is((await api.request('POST', path, { body: '{}' })).status, 202, path);
    t.is((await api.post(path, { namespace: api.namespace })).status, 202, path);
    t.is((await api.post(path, { namespace: 'another' })).status, 403, path);
    const unknown = await api.post(path, { version: 'newest' });
    t.is(unknown.status, 400, unknown.text);
    t.regex(unknown.json.error, /unknown key "version"/);
    for (const body of ['[]', 'null', '{']) {
      t.is((await api.request('POST', path, { body })).status, 400, `${path} ${body}`);
    }
  }
  t.is((await api.post('/v1/auth/token', { namespace: 'another', wallet: 'x' })).status, 200);
});

test('an unknown key is named although a required one is missing; a whole body is the subject of its error', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const misspelled = await api.post('/v1/auth/keys', { nam: 'ci' });
  t.is(misspelled.json.error, 'unknown key "nam"; did you mean "name"?');
  const missing = await api.post('/v1/auth/keys', {});
  t.is(missing.json.error, 'name is required');
  const neither = await api.post('/v1/functions/probe/triggers', {});
  t.is(neither.status, 400);
  t.regex(neither.json.error, /^The value must hold either topic, or cron/);
});

test('a DELETE accepts an empty body or {}, and returns 400 for a filter in its body', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const path = '/v1/functions/probe/dead';
  const send = (body?: string) => api.request('DELETE', path, body === undefined ? {} : { body });
  for (const body of [undefined, '{}', `{"namespace":"${api.namespace}"}`]) {
    t.is((await send(body)).status, 200, body);
  }
  t.is((await send('{"namespace":"default"}')).status, 403);
  const filtered = await send('{"reason":"timeout"}');
  t.is(filtered.status, 400, filtered.text);
  t.regex(filtered.json.error, /unknown key "reason"/);
});

test('an unknown query parameter of a change with filters or options returns 400 and is named', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const { json } = await api.invoke('probe', '[]', { prefer: 'respond-async' });
  for (const [method, path, meant] of [
    ['DELETE', '/v1/functions/probe/dead?reson=timeout', 'reason'],
    ['POST', '/v1/functions/probe/dead/replay?reson=timeout', 'reason'],
    ['POST', `/v1/invocations/${json.request_id}/replay?verison=newest`, 'version'],
    ['POST', '/v1/functions?dryrun=true', 'dry_run'],
  ] as const) {
    const reply = await api.request(method, path);
    t.is(reply.status, 400, reply.text);
    t.regex(reply.json.error, new RegExp(`unknown key ".*"; did you mean "${meant}"`), path);
  }
  t.is((await api.delete(`/v1/functions/probe/dead?namespace=${api.namespace}`)).status, 200);
  t.is((await api.get('/v1/dead?other=1')).status, 200, 'reads ignore them');
});

test('every route that changes something reads its body or says that it ignores it', (t) => {
  const ignoring = routes.filter(({ ignoresBody }) => ignoresBody === true).map(({ path }) => path);
  t.deepEqual(ignoring.sort(), [
    '/v1/auth/token',
    '/v1/network/connect',
    '/v1/network/disconnect',
    '/v1/proxy/anon',
  ]);
});
