import test from 'ava';
import { login } from '../auth/login.js';
import { ethWallet, solWallet } from '../auth/wallet.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { aTenant, sharedEngine } from './served.js';

const engine = sharedEngine();
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

let namespaces = 0;
function unclaimed(): string {
  namespaces += 1;
  return `wallet-${process.pid}-${namespaces}`;
}

for (const [chain, make] of [
  ['ETH', ethWallet],
  ['SOL', solWallet],
] as const) {
  test(`a ${chain} wallet logs in over HTTP, and functions receive its address as caller`, async (t) => {
    const anonymous = (await engine()).api.as();
    const wallet = make();
    const namespace = unclaimed();
    const { challenge, request, verified } = await login(anonymous, wallet, namespace, chain);
    t.is(challenge.status, 200, challenge.text);
    t.deepEqual(Object.keys(challenge.json).sort(), ['expires_at', 'namespace', 'nonce', 'wallet']);
    t.is(verified.status, 200, verified.text);
    t.like(verified.json, { token_type: 'Bearer', expires_in: 900, subject: wallet.address, namespace });
    const replayed = await anonymous.post('/v1/auth/verify', request);
    t.is(replayed.status, 401);

    const token = bearer(verified.json.access_token);
    t.like((await anonymous.get('/v1/auth/whoami', token)).json, {
      authenticated: true,
      method: 'jwt',
      wallet: wallet.address,
      namespace,
    });
    const form = new FormData();
    form.set('name', 'who');
    form.set('wasm', new Blob([Buffer.from(await probeWasm())]), 'function.wasm');
    const deployed = await anonymous.request('POST', '/v1/functions', { headers: token, body: form });
    t.is(deployed.status, 201, deployed.text);
    t.is(deployed.json.function.created_by, wallet.address);
    const spoofed = { ...token, 'x-wallet': '0xevil', 'x-namespace': 'default', 'x-caller-wallet': '0xevil' };
    const seen = await anonymous.invoke('who', commands({ op: 'wallet' }), spoofed);
    t.deepEqual(seen.json, { results: [wallet.address] });
  });
}

/** Logs a wallet in to a namespace that it claims, and deploys the probe in it. */
async function aWallet(fields: Record<string, string> = {}) {
  const anonymous = (await engine()).api.as();
  const wallet = ethWallet();
  const namespace = unclaimed();
  const { verified } = await login(anonymous, wallet, namespace, 'ETH');
  const token = bearer(verified.json.access_token);
  const made = await anonymous.post(
    '/v1/auth/keys',
    { name: 'x', scopes: ['invoke', 'read', 'deploy'] },
    token,
  );
  const withKey = anonymous.as(made.json.api_key);
  const deployed = await withKey.deploy('who', await probeWasm(), fields);
  if (deployed.status !== 201) throw new Error(deployed.text);
  return { anonymous, wallet, namespace, token, withKey };
}

test('a replay with another input has no caller wallet unless the wallet itself sends the replay', async (t) => {
  const { anonymous, wallet, token, withKey } = await aWallet();
  const first = await anonymous.invoke('who', commands({ op: 'wallet' }), token);
  t.deepEqual(first.json, { results: [wallet.address] });
  const id = first.headers.get('x-request-id');
  const replayed = async (by: typeof anonymous, body: unknown, headers: Record<string, string> = {}) => {
    const { json, text } = await until('the record', async () => {
      const reply = await by.post(`/v1/invocations/${id}/replay`, body, headers);
      return reply.status === 202 && reply;
    });
    const end = await until(`the end of ${text}`, async () => {
      const { json: record } = await withKey.get(`/v1/invocations/${json.request_id}`);
      return record.state === 'success' && record;
    });
    return JSON.parse(end.output).results;
  };
  t.deepEqual(await replayed(withKey, {}), [wallet.address], 'as it was sent, it is repeated');
  const other = { input: commands({ op: 'wallet' }, { op: 'echo', a: 'send all' }) };
  t.deepEqual(await replayed(withKey, other), ['', 'send all']);
  t.deepEqual(await replayed(anonymous, other, token), [wallet.address, 'send all']);
});

test('the same Idempotency-Key of several callers gives each caller its own invocation', async (t) => {
  const { anonymous, wallet, namespace, token, withKey } = await aWallet({ is_public: 'true' });
  const key = { 'idempotency-key': 'order-1' };
  const input = commands({ op: 'wallet' });
  const path = `/v1/invoke/${namespace}/who`;
  const stranger = await aTenant(await engine());
  const calls = [
    // First those who would take the key for themselves.
    [await anonymous.request('POST', path, { headers: key, body: input }), ''],
    [await stranger.request('POST', path, { headers: key, body: input }), ''],
    [await anonymous.request('POST', path, { headers: { ...key, ...token }, body: input }), wallet.address],
    [await withKey.request('POST', path, { headers: key, body: input }), ''],
  ] as const;
  for (const [reply, caller] of calls) t.deepEqual(reply.json, { results: [caller] }, reply.text);
  const ids = calls.map(([{ headers }]) => headers.get('x-request-id'));
  t.is(new Set(ids).size, calls.length);
  const again = await anonymous.request('POST', path, { headers: { ...key, ...token }, body: input });
  t.is(again.headers.get('x-request-id'), ids[2] ?? null);
  // A body of its own is no conflict with that of others.
  const other = commands({ op: 'echo', a: 'mine' });
  const fresh = { 'idempotency-key': 'order-2' };
  t.is((await anonymous.request('POST', path, { headers: fresh, body: input })).status, 200);
  t.is((await withKey.request('POST', path, { headers: fresh, body: other })).status, 200);
  t.is((await withKey.request('POST', path, { headers: fresh, body: input })).status, 422);
});

test('calls with an API key or with a token made from a key have no caller wallet', async (t) => {
  const api = await aTenant(await engine());
  await api.deploy('who', await probeWasm());
  const seen = await api.invoke('who', commands({ op: 'wallet' }), { 'x-wallet': '0xevil' });
  t.deepEqual(seen.json, { results: [''] });
  const token = await api.post('/v1/auth/token', {});
  t.is(token.status, 200, token.text);
  t.like(token.json, { token_type: 'Bearer', expires_in: 900, namespace: api.namespace });
  const byToken = await api.as().invoke('who', commands({ op: 'wallet' }), bearer(token.json.access_token));
  t.deepEqual(byToken.json, { results: [''] });
});

test('API keys are accepted in X-API-Key, Bearer and ApiKey headers; other forms return 401', async (t) => {
  const api = await aTenant(await engine());
  const anonymous = api.as();
  for (const headers of [
    { 'x-api-key': api.key },
    { authorization: `Bearer ${api.key}` },
    { authorization: `ApiKey ${api.key}` },
    { authorization: `bearer ${api.key}` },
  ]) {
    t.is((await anonymous.get('/v1/auth/whoami', headers)).status, 200, JSON.stringify(headers));
  }
  for (const headers of [
    { authorization: api.key },
    { authorization: `Basic ${Buffer.from(`x:${api.key}`).toString('base64')}` },
    { authorization: `Bearer ${api.key.split(':')[0]}` },
    { 'x-namespace': api.namespace },
    { cookie: `api_key=${api.key}` },
  ]) {
    const refused = await anonymous.get('/v1/auth/whoami', headers);
    t.is(refused.status, 401, JSON.stringify(headers));
    t.is(refused.json.code, 'unauthorized');
    t.truthy(refused.headers.get('www-authenticate'));
  }
  t.is((await anonymous.get(`/v1/auth/whoami?api_key=${api.key}`)).status, 401);
});

test('reusing a refresh token ends the login, and so does logout with an access or refresh token', async (t) => {
  const anonymous = (await engine()).api.as();
  const { verified } = await login(anonymous, ethWallet(), unclaimed(), 'ETH');
  const refreshed = await anonymous.post('/v1/auth/refresh', { refresh_token: verified.json.refresh_token });
  t.is(refreshed.status, 200, refreshed.text);
  const reused = await anonymous.post('/v1/auth/refresh', { refresh_token: verified.json.refresh_token });
  t.is(reused.status, 401);
  t.is((await anonymous.get('/v1/auth/whoami', bearer(refreshed.json.access_token))).status, 401);

  const second = (await login(anonymous, ethWallet(), unclaimed(), 'ETH')).verified.json;
  const out = await anonymous.request('POST', '/v1/auth/logout', { headers: bearer(second.access_token) });
  t.is(out.status, 200, out.text);
  t.is((await anonymous.get('/v1/auth/whoami', bearer(second.access_token))).status, 401);
  t.is((await anonymous.post('/v1/auth/refresh', { refresh_token: second.refresh_token })).status, 401);

  const third = (await login(anonymous, ethWallet(), unclaimed(), 'ETH')).verified.json;
  t.is((await anonymous.post('/v1/auth/logout', { refresh_token: third.refresh_token })).status, 200);
  t.is((await anonymous.get('/v1/auth/whoami', bearer(third.access_token))).status, 401);
  t.is((await anonymous.post('/v1/auth/logout', {})).status, 400);
});

test("login to another wallet's namespace or to default returns 403", async (t) => {
  const anonymous = (await engine()).api.as();
  const namespace = unclaimed();
  t.is((await login(anonymous, ethWallet(), namespace, 'ETH')).verified.status, 200);
  t.is((await login(anonymous, ethWallet(), namespace, 'ETH')).verified.status, 403);
  const challenge = await anonymous.post('/v1/auth/challenge', {
    wallet: ethWallet().address,
    purpose: '',
    namespace: 'default',
  });
  t.is(challenge.status, 403);
});

test('both JWKS paths return the same key set, without private keys', async (t) => {
  const anonymous = (await engine()).api.as();
  const one = await anonymous.get('/v1/auth/jwks');
  const two = await anonymous.get('/.well-known/jwks.json');
  t.deepEqual(one.json, two.json);
  t.like(one.json.keys[0], { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' });
  t.is(one.json.keys[0].d, undefined);
});

test('keys are created, listed without their secrets and revoked; other namespaces need the admin key', async (t) => {
  const { api: admin } = await engine();
  const api = await aTenant(await engine());
  const made = await api.post('/v1/auth/keys', { name: 'second' });
  t.is(made.status, 201);
  t.deepEqual(Object.keys(made.json).sort(), [
    'api_key',
    'created_at',
    'created_by',
    'expires_at',
    'functions',
    'id',
    'last_used_at',
    'name',
    'namespace',
    'scopes',
  ]);
  t.regex(made.json.api_key, new RegExp(`^ak_.+:${api.namespace}$`));
  const list = await api.get('/v1/auth/keys');
  t.is(list.json.count, 2);
  t.false(list.text.includes(made.json.api_key));
  t.is((await api.post('/v1/auth/keys', { name: 'x', namespace: 'default' })).status, 403);
  t.is((await api.get('/v1/auth/keys?namespace=default')).status, 403);
  t.is((await admin.get(`/v1/auth/keys?namespace=${api.namespace}`)).json.count, 2);
  t.is((await api.post('/v1/auth/keys', { name: '' })).status, 400);
  t.is((await admin.delete(`/v1/auth/keys/${made.json.id}`)).status, 200);
  t.is((await api.as(made.json.api_key).get('/v1/functions')).status, 401);
  t.is((await api.delete('/v1/auth/keys/nothing')).status, 404);
});

test('with the admin key, the namespace of the query is that of the key that is created or revoked', async (t) => {
  const { api: admin } = await engine();
  const { namespace } = await aTenant(await engine());
  const made = await admin.post(`/v1/auth/keys?namespace=${namespace}`, { name: 'of the query' });
  t.is(made.status, 201);
  t.is(made.json.namespace, namespace);
  const both = await admin.post(`/v1/auth/keys?namespace=${namespace}`, { name: 'x', namespace: 'other' });
  t.is(both.status, 400);
  t.true(both.json.error.includes(namespace) && both.json.error.includes('"other"'), both.json.error);
  const path = `/v1/auth/keys/${made.json.id}`;
  t.is((await admin.delete(`${path}?namespace=other`)).status, 404);
  t.is((await admin.delete(`${path}?namespace=${namespace}`)).status, 200);
});
