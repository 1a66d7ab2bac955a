import test from 'ava';
import { shared } from '../helpers/shared.js';
import { sharedEngine } from './served.js';
import { servedFunctions } from './served-functions.js';

const engine = sharedEngine();
const byHost = sharedEngine({ env: { FUNCTIONS_HOST: '{namespace}.fn.test' } });
const PATH = '/v1/http-requests';

/** Creates a namespace with a public function, a private one, and one with a route. */
async function serve(open: typeof engine) {
  const users = { routes: ['GET /people/{id}'], methods: ['GET'] };
  const { tenant, deploy } = await servedFunctions(await open(), { open: {}, users });
  await deploy('closed', {}, { is_public: 'false' });
  return { tenant, close: async () => undefined };
}

const served = shared(() => serve(engine));

test('method, path, headers and body reach the function unchanged, without the API key of the call', async (t) => {
  const { tenant } = await served();
  const { functionsUrl } = await engine();
  const { status, json } = await tenant.post(PATH, {
    method: 'PUT',
    path: '/open/a%20b?x=1&x=2',
    headers: { 'X-Test': 'one', 'x-many': ['a', 'b'], Cookie: 'c=1' },
    body: 'Grüße',
  });
  t.is(status, 200);
  t.is(json.status, 200);
  const { request, body } = JSON.parse(json.body);
  t.is(Buffer.from(body, 'base64').toString(), 'Grüße');
  t.like(request, {
    method: 'PUT',
    url: `${functionsUrl}/${tenant.namespace}/open/a%20b?x=1&x=2`,
    query: { x: ['1', '2'] },
    namespace: tenant.namespace,
  });
  t.like(request.headers, { 'x-test': 'one', 'x-many': 'a, b', cookie: 'c=1' });
  t.false(JSON.stringify(request).includes(tenant.key));
  const { json: record } = await tenant.get(`/v1/invocations/${json.request_id}`);
  t.like(record, { function: 'open', trigger: 'http' });
});

test('the reply contains the status, headers and body bytes that the function set', async (t) => {
  const { tenant } = await served();
  const bytes = Buffer.from([0, 255, 1]);
  const reply = {
    status: 418,
    headers: { 'Set-Cookie': ['a=1', 'b=2'], 'X-Own': 'yes' },
    body: bytes.toString('base64'),
  };
  const { json } = await tenant.post(PATH, {
    path: '/open',
    headers: { 'x-do': `reply ${JSON.stringify(reply)}` },
  });
  t.is(json.status, 418);
  t.deepEqual(json.headers['set-cookie'], ['a=1', 'b=2']);
  t.is(json.headers['x-own'], 'yes');
  t.is(json.body, null);
  t.is(json.body_base64, bytes.toString('base64'));
  const echoed = await tenant.post(PATH, { method: 'POST', path: '/open', body_base64: 'AP8=' });
  t.is(JSON.parse(echoed.json.body).body, 'AP8=');
});

test('routes, unsupported methods and unknown paths are handled as on the functions port', async (t) => {
  const { tenant } = await served();
  const routed = await tenant.post(PATH, { path: '/people/7' });
  t.deepEqual(JSON.parse(routed.json.body).request.params, { id: '7' });
  const wrong = await tenant.post(PATH, { method: 'POST', path: '/users' });
  t.is(wrong.json.status, 405);
  t.regex(wrong.json.headers.allow, /GET/);
  t.is(wrong.json.request_id, null);
  t.is((await tenant.post(PATH, { method: 'OPTIONS', path: '/users' })).json.request_id, null);
  const none = await tenant.post(PATH, { path: '/nowhere' });
  t.is(none.json.status, 404);
  t.is(none.json.request_id, null);
  const outside = await tenant.post(PATH, { path: '/../default/open' });
  t.is(outside.json.status, 400);
});

test('a request has the credential of the call, the one in its headers or, with anonymous, none', async (t) => {
  const { tenant } = await served();
  t.is((await tenant.post(PATH, { path: '/closed' })).json.status, 200);
  t.is((await tenant.post(PATH, { path: '/closed', anonymous: true })).json.status, 401);
  const own = { 'x-api-key': `ak_wrong:${tenant.namespace}` };
  t.is((await tenant.post(PATH, { path: '/closed', headers: own })).json.status, 401);
  const { json: token } = await tenant.post('/v1/auth/token', {});
  const bearer = { authorization: `Bearer ${token.access_token}` };
  const { json } = await tenant.as().post(PATH, { path: '/closed' }, bearer);
  t.is(json.status, 200);
  t.false(json.body.includes(token.access_token));
});

test('scopes and functions of a key apply to its requests, and anonymous calls return 401', async (t) => {
  const { tenant } = await served();
  const keyOf = async (limits: object) =>
    tenant.as((await tenant.post('/v1/auth/keys', { name: 'k', ...limits })).json.api_key);
  const reader = await keyOf({ scopes: ['read'] });
  t.is((await reader.post(PATH, { path: '/open' })).json.code, 'insufficient_scope');
  const limited = await keyOf({ scopes: ['invoke'], functions: ['users'] });
  t.is((await limited.post(PATH, { path: '/closed' })).json.status, 403);
  t.is((await limited.post(PATH, { path: '/open' })).json.status, 200);
  t.is((await tenant.as().post(PATH, { path: '/open' })).status, 401);
});

test('invalid paths, headers, methods and bodies return 400 with an error that names the field', async (t) => {
  const { tenant } = await served();
  const refused = async (body: object) => {
    const { status, json } = await tenant.post(PATH, body);
    t.is(status, 400, JSON.stringify(body));
    return json.error as string;
  };
  t.regex(await refused({ path: 'open' }), /path must begin with "\/"/);
  t.regex(await refused({ path: '/open#part' }), /path must/);
  t.regex(await refused({ path: '/a b' }), /path must/);
  for (const name of ['Host', 'content-length', 'Transfer-Encoding', 'Upgrade', 'a b', 'x:y']) {
    t.regex(await refused({ path: '/open', headers: { [name]: 'x' } }), /header|sets itself/, name);
  }
  t.regex(await refused({ path: '/open', headers: { 'x-a': 'a\r\nx-b: b' } }), /control characters/);
  t.regex(await refused({ path: '/open', method: 'CONNECT' }), /method/);
  t.regex(await refused({ method: 'POST', path: '/open', body: 'a', body_base64: 'YQ==' }), /exclude/);
  t.regex(await refused({ path: '/open', timeout: 1 }), /timeout/);
});

test('forwarding and depth headers of a request are replaced or dropped by the engine', async (t) => {
  const { tenant } = await served();
  const { json } = await tenant.post(PATH, {
    path: '/open',
    headers: {
      'X-Forwarded-For': '203.0.113.9',
      'x-forwarded-host': 'evil.example',
      'x-orama-depth': '4.forged',
    },
  });
  const { request } = JSON.parse(json.body);
  t.is(request.remote_address, '127.0.0.1');
  t.is(request.headers['x-forwarded-for'], '127.0.0.1');
  t.is(request.headers['x-forwarded-host'], undefined);
  t.is(request.headers['x-orama-depth'], undefined);
});

test('requests reach functions that are served by host under FUNCTIONS_HOST', async (t) => {
  const { tenant } = await serve(byHost);
  const { json } = await tenant.post(PATH, { path: '/open?x=1' });
  t.is(json.status, 200);
  t.like(JSON.parse(json.body).request, { path: '/open', namespace: tenant.namespace });
});

test('a request of a namespace that no host name can name is refused, and no other namespace receives it', async (t) => {
  const running = await byHost();
  const { tenant: small } = await serve(byHost);
  const namespace = small.namespace.replace('tenant', 'Tenant');
  const { json: key } = await running.api.post('/v1/auth/keys', { name: 'test', namespace });
  const refused = await running.api.as(key.api_key).post(PATH, { path: '/open', body: 'of another' });
  t.is(refused.status, 400);
  t.true(refused.json.error.includes(`"${namespace}"`), refused.json.error);
  t.regex(refused.json.error, /capital letters.*FUNCTIONS_HOST/);
  const { json: list } = await small.get('/v1/invocations');
  t.is(list.count, 0);
});
