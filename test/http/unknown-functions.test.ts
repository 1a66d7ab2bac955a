import test from 'ava';
import type { JsonValue } from '../helpers/api.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';
import { refusedUpgrade } from './socket.js';

const engine = sharedEngine();
const ID = '0199c5a0-0000-7000-8000-000000000009';

interface Operation {
  method: string;
  path: string;
  body: JsonValue;
}

/** Every operation of the API on a function that exists already, with the example of its body. */
async function operations(): Promise<Operation[]> {
  const { json } = await (await engine()).api.get('/openapi.json');
  return Object.entries<JsonValue>(json.paths)
    .filter(([path]) => /^\/v1\/functions\/\{name\}/.test(path) && !path.endsWith('/ws'))
    .flatMap(([path, methods]) =>
      Object.entries<JsonValue>(methods).map(([method, { requestBody }]) => ({
        method: method.toUpperCase(),
        path,
        body: requestBody?.content['application/json']?.example,
      })),
    );
}

/** The paths of an operation, with values for its parameters. */
function pathOf(path: string, name: string): string {
  return path.replace('{name}', name).replace('{alias}', 'beta').replace('{id}', ID);
}

/** The refusal of a socket for a function. */
function socket({ url, key }: { url: string; key: string }, ref: string) {
  return refusedUpgrade(url, `/v1/functions/${ref}/ws`, { 'x-api-key': key });
}

test('every operation on a function that does not exist is 404 and names it', async (t) => {
  const tenant = await aTenant(await engine());
  const all = await operations();
  t.true(all.length > 20, String(all.length));
  const asked = all.map(({ method, path, body }) => ({ method, path: pathOf(path, 'nosuch'), body }));
  asked.push(
    { method: 'GET', path: '/v1/invocations?function=nosuch', body: undefined },
    { method: 'GET', path: '/v1/stats?function=nosuch', body: undefined },
    { method: 'POST', path: `/v1/invoke/${tenant.namespace}/nosuch`, body: {} },
  );
  for (const { method, path, body } of asked) {
    const reply = await tenant.request(method, path, {
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    t.is(reply.status, 404, `${method} ${path}: ${reply.text.slice(0, 200)}`);
    t.is(reply.json.code, 'function_not_found', `${method} ${path}: ${reply.text}`);
    t.regex(reply.json.error, /^There is no function "nosuch" in namespace /, `${method} ${path}`);
  }
  t.is((await socket(tenant, 'nosuch')).status, 404);
});

test('a reference that can name no version is 400, with what is allowed', async (t) => {
  const tenant = await aTenantWithProbe(await engine());
  for (const ref of ['probe@newest', 'probe@0', 'probe@', 'probe@1x', 'probe@1.5', 'probe@9999999999']) {
    for (const path of [`/v1/functions/${ref}`, `/v1/functions/${ref}/module`]) {
      const reply = await tenant.get(path);
      t.is(reply.status, 400, `${path}: ${reply.text}`);
      t.regex(reply.json.error, /^name (must be|may not)/, path);
    }
    t.is((await tenant.invoke(ref, '')).status, 400, ref);
    t.is((await socket(tenant, ref)).status, 400, ref);
  }
});

test('a missing version, a missing alias and a missing function are told apart, but not by strangers', async (t) => {
  const owner = await aTenantWithProbe(await engine());
  const stranger = await aTenant(await engine());
  const errors = async (api: typeof owner, name: string) =>
    Promise.all(
      ['', '@1', '@9', '@beta'].map(async (ref) => {
        const reply = await api.post(`/v1/invoke/${owner.namespace}/${name}${ref}`, {});
        return reply.status === 404 ? reply.json.error.replace(name, 'NAME') : reply.status;
      }),
    );
  const [, , version, alias] = await errors(owner, 'probe');
  t.regex(version, /^There is no version 9 of function "NAME"/);
  t.regex(alias, /^Function "NAME" has no alias "beta"/);
  const unknown = await errors(stranger, 'nosuch');
  t.is(new Set(unknown).size, 1);
  t.deepEqual(await errors(stranger, 'probe'), unknown);
});

test('a time that there is not is refused by every parameter that takes one', async (t) => {
  const tenant = await aTenantWithProbe(await engine());
  const { json } = await tenant.get('/openapi.json');
  const taken = Object.entries<JsonValue>(json.paths).flatMap(([path, methods]) =>
    (methods.get?.parameters ?? [])
      .filter(({ name }: { name: string }) => /^(since|before|until|from|to|after)$/.test(name))
      .map(({ name }: { name: string }) => `${pathOf(path, 'probe')}?${name}=`),
  );
  t.true(taken.length >= 4, taken.join(' '));
  for (const parameter of taken) {
    t.is((await tenant.get(`${parameter}2026-02-28`)).status, 200, parameter);
    for (const time of ['2026-02-30', '2026-02-30T10:00:00Z', '2026-13-01', '2026-01-31T25:00:00Z', 'soon']) {
      const reply = await tenant.get(parameter + time);
      t.is(reply.status, 400, `${parameter}${time}: ${reply.text}`);
      t.true(reply.json.error.includes(JSON.stringify(time)), reply.json.error);
    }
  }
  for (const expires_at of ['2099-02-30T00:00:00Z', '2099-01-31T25:00:00Z', '2099-02-30']) {
    const reply = await tenant.post('/v1/auth/keys', { name: 'x', expires_at });
    t.is(reply.status, 400, reply.text);
  }
});
