import test from 'ava';
import { aTenant, sharedEngine } from './served.js';

const engine = sharedEngine();

test('the console page has a Content-Security-Policy without exceptions and is revalidated on each load', async (t) => {
  const { api } = await engine();
  for (const path of ['/console', '/console/', '/console/functions/hello']) {
    const { status, headers, text } = await api.as().get(path);
    t.is(status, 200, path);
    t.is(headers.get('content-type'), 'text/html; charset=utf-8');
    t.is(headers.get('cache-control'), 'no-cache');
    t.is(headers.get('x-content-type-options'), 'nosniff');
    const policy = headers.get('content-security-policy') ?? '';
    t.regex(policy, /default-src 'self'/);
    t.notRegex(policy, /unsafe|https?:|\*|nonce|sha256/);
    t.notRegex(text, /<script(?![^>]* src=)|<style|style=|\son\w+=/);
  }
});

test('console assets are immutable, encoded as the client accepts and under 250 KB for the first view', async (t) => {
  const { api } = await engine();
  const { text } = await api.as().get('/console');
  const assets = [...text.matchAll(/(?:src|href)="(\/console\/assets\/[^"]+)"/g)].map(
    ([, path = '']) => path,
  );
  t.true(assets.length >= 3);
  let firstView = 0;
  for (const path of assets) {
    const sent = await fetch(api.url + path, { headers: { 'accept-encoding': 'gzip' } });
    t.is(sent.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    t.is(sent.headers.get('content-encoding'), 'gzip', path);
    firstView += Number(sent.headers.get('content-length'));
    await sent.arrayBuffer();
    const brotli = await fetch(api.url + path, { headers: { 'accept-encoding': 'br, gzip' } });
    t.is(brotli.headers.get('content-encoding'), 'br');
    const plain = await (await fetch(api.url + path, { headers: { 'accept-encoding': 'identity' } })).text();
    t.is(await brotli.text(), plain);
    // The editor is loaded on demand.
    t.false(plain.includes('cm-content'), path);

    const etag = brotli.headers.get('etag') ?? '';
    const again = await fetch(api.url + path, {
      headers: { 'accept-encoding': 'br', 'if-none-match': etag },
    });
    t.is(again.status, 304);
    t.not(sent.headers.get('etag'), etag);
  }
  t.true(firstView < 250 * 1024, `${firstView} bytes for the first view`);
});

test('unknown assets and paths outside the console build return 404, and POST returns 405', async (t) => {
  const { api } = await engine();
  for (const path of [
    '/console/assets/none.js',
    '/console/assets/..%2f..%2fpackage.json',
    '/console/assets/%2e%2e%2findex.html',
  ]) {
    const { status, json } = await api.as().get(path);
    t.is(status, 404, path);
    t.is(json.code, 'not_found');
  }
  const { status, headers } = await api.as().request('POST', '/console');
  t.is(status, 405);
  t.is(headers.get('allow'), 'GET, HEAD, OPTIONS');
});

test('a sign-in link is valid for 5 minutes and can be used once', async (t) => {
  const tenant = await aTenant(await engine());
  const link = await tenant.post('/v1/auth/console-links', {});
  t.is(link.status, 201);
  t.is(link.json.path, `/console#token=${link.json.token}`);
  const life = Date.parse(link.json.expires_at) - Date.now();
  t.true(life > 290_000 && life <= 300_000);

  const first = await tenant.as().post('/v1/auth/console-sessions', { token: link.json.token });
  t.is(first.status, 201);
  t.is(first.json.namespace, tenant.namespace);
  const { status, json } = await tenant.as().post('/v1/auth/console-sessions', { token: link.json.token });
  t.is(status, 401);
  t.regex(json.error, /used/);
  t.is((await tenant.as().post('/v1/auth/console-sessions', { token: 'ct_guessed' })).status, 401);
  t.is((await tenant.as().post('/v1/auth/console-sessions', {})).status, 401);
});

test('eight concurrent uses of one sign-in link create one session', async (t) => {
  const tenant = await aTenant(await engine());
  const { json } = await tenant.post('/v1/auth/console-links', {});
  const tries = Array.from({ length: 8 }, () =>
    tenant.as().post('/v1/auth/console-sessions', { token: json.token }),
  );
  const statuses = (await Promise.all(tries)).map(({ status }) => status).sort();
  t.deepEqual(statuses, [201, 401, 401, 401, 401, 401, 401, 401]);
});

test('a console session has the scopes of its key, can be refreshed and ends on the server at sign-out', async (t) => {
  const tenant = await aTenant(await engine());
  const limited = await tenant.post('/v1/auth/keys', { name: 'reader', scopes: ['read'] });
  const login = await tenant.as(limited.json.api_key).post('/v1/auth/console-sessions', {});
  t.is(login.status, 201);
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const anonymous = tenant.as();
  t.is((await anonymous.get('/v1/functions', bearer(login.json.access_token))).status, 200);
  const secrets = await anonymous.get('/v1/functions/secrets', bearer(login.json.access_token));
  t.is(secrets.json.code, 'insufficient_scope');

  const renewed = await anonymous.post('/v1/auth/refresh', { refresh_token: login.json.refresh_token });
  t.is(renewed.status, 200);
  const who = await anonymous.get('/v1/auth/whoami', bearer(renewed.json.access_token));
  t.like(who.json, { namespace: tenant.namespace, scopes: ['read'], is_admin: false, wallet: '' });

  t.is((await anonymous.post('/v1/auth/logout', { refresh_token: renewed.json.refresh_token })).status, 200);
  t.is((await anonymous.get('/v1/functions', bearer(renewed.json.access_token))).status, 401);
  t.is((await anonymous.post('/v1/auth/refresh', { refresh_token: renewed.json.refresh_token })).status, 401);
});

test('revoking an API key ends the console sessions created with that key', async (t) => {
  const tenant = await aTenant(await engine());
  const key = await tenant.post('/v1/auth/keys', { name: 'short' });
  const login = await tenant.as(key.json.api_key).post('/v1/auth/console-sessions', {});
  t.is((await tenant.delete(`/v1/auth/keys/${key.json.id}`)).status, 200);
  const reply = await tenant
    .as()
    .get('/v1/functions', { authorization: `Bearer ${login.json.access_token}` });
  t.is(reply.status, 401);
});

test('a token made from an API key cannot create console sessions or sign-in links', async (t) => {
  const tenant = await aTenant(await engine());
  const { json } = await tenant.post('/v1/auth/token', {});
  const headers = { authorization: `Bearer ${json.access_token}` };
  for (const path of ['/v1/auth/console-links', '/v1/auth/console-sessions']) {
    t.is((await tenant.as().post(path, {}, headers)).status, 403, path);
  }
});
