import { createConnection } from 'node:net';
import test from 'ava';
import { routes } from '../../src/http/routes.js';
import { guest } from '../helpers/guests.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';

const engine = sharedEngine();

test('a key cannot read or change anything in another namespace', async (t) => {
  const owner = await aTenantWithProbe(await engine());
  const stranger = await aTenant(await engine());
  const { json } = await owner.invoke('probe', commands({ op: 'exit', n: 65 }), { prefer: 'respond-async' });
  const trigger = await owner.post('/v1/functions/probe/triggers', { topic: 'a' });
  await owner.put('/v1/functions/secrets', { name: 'S', value: 'v' });
  const [key] = (await owner.get('/v1/auth/keys')).json.keys;

  const absent: [method: string, path: string, body?: string][] = [
    ['GET', '/v1/functions/probe'],
    ['DELETE', '/v1/functions/probe'],
    ['POST', '/v1/functions/probe/rollback', '{"version":1}'],
    ['POST', '/v1/functions/probe/invoke', ''],
    ['POST', `/v1/invoke/${owner.namespace}/probe`, ''],
    ['POST', `/v1/invoke/${owner.namespace}/probe@1`, ''],
    ['GET', '/v1/functions/probe/versions'],
    ['GET', '/v1/functions/probe/triggers'],
    ['POST', '/v1/functions/probe/triggers', '{"topic":"x"}'],
    ['DELETE', `/v1/functions/probe/triggers/${trigger.json.trigger.id}`],
    ['DELETE', '/v1/functions/secrets/S'],
    ['GET', `/v1/invocations/${json.request_id}`],
    ['DELETE', `/v1/invocations/${json.request_id}`],
    ['POST', `/v1/invocations/${json.request_id}/replay`],
    ['POST', '/v1/functions/probe/dead/replay'],
    ['DELETE', `/v1/auth/keys/${key.id}`],
  ];
  for (const [method, path, body] of absent) {
    const reply = await stranger.request(method, path, body === undefined ? {} : { body });
    t.is(reply.status, 404, `${method} ${path}: ${reply.text}`);
  }
  t.is((await stranger.get('/v1/functions/probe/logs')).status, 404);
  t.is((await stranger.get('/v1/invocations')).json.count, 0);
  t.is((await stranger.get('/v1/functions')).json.count, 0);
  t.is((await stranger.get('/v1/functions/secrets')).json.count, 0);

  const foreign: [method: string, path: string, body?: string][] = [
    ['GET', `/v1/functions?namespace=${owner.namespace}`],
    ['GET', `/v1/functions/probe/logs?namespace=${owner.namespace}`],
    ['POST', `/v1/functions/probe/invoke?namespace=${owner.namespace}`, ''],
    ['GET', `/v1/invocations?namespace=${owner.namespace}`],
    ['POST', '/v1/pubsub/publish', JSON.stringify({ topic: 'a', data: 1, namespace: owner.namespace })],
  ];
  for (const [method, path, body] of foreign) {
    const reply = await stranger.request(method, path, body === undefined ? {} : { body });
    t.is(reply.status, 403, `${method} ${path}: ${reply.text}`);
    t.is(reply.json.code, 'forbidden');
  }
  t.is((await owner.get('/v1/functions/probe')).status, 200);
});

test('every route that is not open refuses the namespace of another credential in its query', async (t) => {
  const owner = await aTenant(await engine());
  const stranger = await aTenant(await engine());
  for (const { access, otherNamespaces, method, path } of routes) {
    if (access === 'open' || otherNamespaces === 'everybody') continue;
    const filled = path.replace('{ns}', stranger.namespace).replaceAll(/\{\w+\}/g, 'x');
    const reply = await stranger.request(method, `${filled}?namespace=${owner.namespace}`);
    t.is(reply.status, 403, `${method} ${path}: ${reply.text}`);
    t.is(reply.json.code, 'forbidden');
  }
});

test('private and missing functions return the same error to keys of other namespaces', async (t) => {
  const owner = await aTenantWithProbe(await engine());
  const stranger = await aTenant(await engine());
  const say = async (name: string) =>
    (await stranger.post(`/v1/invoke/${owner.namespace}/${name}`, '')).json.error.replaceAll(name, 'NAME');
  t.is(await say('probe'), await say('absent'));
});

test('anonymous calls can invoke public functions; all routes that need a credential return 401', async (t) => {
  const open = await aTenantWithProbe(await engine(), { is_public: 'true' });
  const shut = await aTenantWithProbe(await engine());
  const anonymous = open.as();
  const path = (namespace: string) => `/v1/functions/probe/invoke?namespace=${namespace}`;
  t.is((await anonymous.request('POST', path(open.namespace), { body: '{}' })).text, '{}');
  t.is((await anonymous.request('POST', `/v1/invoke/${open.namespace}/probe`, { body: '{}' })).text, '{}');
  const stranger = await aTenant(await engine());
  t.is((await stranger.request('POST', `/v1/invoke/${open.namespace}/probe`, { body: '{}' })).status, 200);
  t.is((await anonymous.request('POST', path(shut.namespace), { body: '' })).status, 401);
  t.is((await anonymous.request('POST', `/v1/invoke/${shut.namespace}/probe`, { body: '' })).status, 401);
  t.is((await anonymous.as('ak_wrongwrongwrongwrong:x').request('POST', path(open.namespace))).status, 401);

  const document = (await anonymous.get('/openapi.json')).json;
  let tried = 0;
  for (const [template, operations] of Object.entries<Record<string, { security?: object[] }>>(
    document.paths,
  )) {
    for (const [method, { security }] of Object.entries(operations)) {
      if (!security || security.some((scheme) => Object.keys(scheme).length === 0)) continue;
      const filled = template
        .replace('{id}', '01890000-0000-7000-8000-000000000000')
        .replace(/\{\w+\}/g, 'x');
      const reply = await anonymous.request(method.toUpperCase(), filled);
      t.is(reply.status, 401, `${method} ${filled}`);
      tried += 1;
    }
  }
  t.true(tried > 35);
});

test('path traversal in any parameter returns 400, 404 or 405', async (t) => {
  const { api } = await engine();
  for (const path of [
    '/v1/functions/..%2f..%2fetc%2fpasswd',
    '/v1/functions/%2e%2e%2f',
    '/v1/functions/secrets/..%2f..%2fx',
    '/v1/storage/get/..%2f..%2fadmin-key',
    '/v1/invoke/..%2f/x',
    '/docs/../admin-key',
    '/docs/..%2fadmin-key',
  ]) {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const reply = await api.request(method, path);
      t.true([400, 404, 405].includes(reply.status), `${method} ${path}: ${reply.status}`);
    }
  }
});

test('malformed and oversized multipart bodies return 4xx, and the engine stays healthy', async (t) => {
  const { api } = await engine();
  const headers = { 'content-type': 'multipart/form-data; boundary=b' };
  const send = (body: string | Uint8Array) => api.request('POST', '/v1/functions', { headers, body });
  const field = (name: string, value: string) =>
    `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const many = Array.from({ length: 20_000 }, (_, n) => field(`f${n}`, 'x')).join('');
  const files = Array.from(
    { length: 500 },
    (_, n) => `--b\r\ncontent-disposition: form-data; name="f${n}"; filename="x"\r\n\r\nx\r\n`,
  ).join('');
  const bombs: [string, string | Uint8Array][] = [
    ['many fields', `${many}--b--`],
    ['many files', `${files}--b--`],
    ['a huge field', `${field('metadata', 'x'.repeat(3 << 20))}--b--`],
    ['the same field twice', `${field('name', 'a')}${field('name', 'b')}--b--`],
    ['no end', '--b\r\ncontent-disposition: form-data; name="wasm"; filename="x"\r\n\r\nhalf'],
    ['no boundary', 'nothing of the kind'],
    ['__proto__', `${field('__proto__', 'x')}${field('constructor', 'x')}--b--`],
    ['too much', Buffer.alloc(40 << 20)],
  ];
  for (const [what, body] of bombs) {
    const reply = await send(body);
    t.true(reply.status >= 400 && reply.status < 500, `${what}: ${reply.status} ${reply.text}`);
    t.is(typeof reply.json.error, 'string', what);
  }
  t.is((await api.get('/health')).status, 200);
});

test('a form with a field named __proto__, constructor or toString returns 400 and deploys nothing', async (t) => {
  const api = await aTenant(await engine());
  for (const name of ['__proto__', 'constructor', 'toString']) {
    const reply = await api.deploy('odd', await probeWasm(), { [name]: 'x' });
    t.is(reply.status, 400, name);
    t.true(reply.json.error.includes(name), reply.text);
  }
  // Also as a file.
  const form = new FormData();
  form.set('name', 'odd');
  form.set('wasm', new Blob([Buffer.from(await probeWasm())]), 'function.wasm');
  form.set('__proto__', new Blob(['{}'], { type: 'application/json' }), 'x');
  const reply = await api.request('POST', '/v1/functions', { body: form });
  t.is(reply.status, 400);
  t.regex(reply.json.error, /__proto__/);
  t.is((await api.get('/v1/functions')).json.count, 0);
});

test('prototypes cannot be polluted through JSON', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const evil =
    '{"topic":"a","data":{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"x":1}}},"__proto__":{"namespace":"default"}}';
  t.is((await api.request('POST', '/v1/pubsub/publish', { body: evil })).status, 200);
  const key = '{"name":"k","__proto__":{"namespace":"default"}}';
  const made = await api.request('POST', '/v1/auth/keys', { body: key });
  t.is(made.json.namespace, api.namespace);
  t.is((await api.get('/v1/auth/whoami')).json.is_admin, false);
});

test('invalid HTTP returns 400, oversized headers return 431, and the engine stays healthy', async (t) => {
  const { api, url } = await engine();
  const reply = await new Promise<string>((resolve) => {
    const socket = createConnection(Number(new URL(url).port), '127.0.0.1', () =>
      socket.write('NOT HTTP AT ALL\r\n\r\n'),
    );
    let text = '';
    socket.on('data', (part) => {
      text += part;
    });
    socket.on('close', () => resolve(text));
    socket.on('error', () => undefined);
  });
  t.regex(reply, /^HTTP\/1\.1 400 /);
  t.regex(reply, /"code":"invalid_request"/);
  const huge = await api.get('/health', { 'x-padding': 'x'.repeat(20_000) });
  t.is(huge.status, 431);
  t.is(huge.json.code, 'headers_too_large');
  t.is((await api.get('/health')).status, 200);
});

test('a request that offers an upgrade to h2c is handled as HTTP/1.1, including its body', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const body = '{"from":"java"}';
  const reply = await new Promise<string>((resolve) => {
    const socket = createConnection(Number(new URL(api.url).port), '127.0.0.1', () => {
      socket.write(
        `POST /v1/functions/probe/invoke HTTP/1.1\r\nhost: x\r\nx-api-key: ${api.key}\r\nupgrade: h2c\r\n` +
          `connection: Upgrade, HTTP2-Settings\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n` +
          `content-length: ${body.length}\r\n\r\n${body.slice(0, 4)}`,
      );
      setTimeout(() => socket.write(body.slice(4)), 50);
    });
    let text = '';
    socket.on('data', (part) => {
      text += part;
      if (text.endsWith(body)) socket.destroy();
    });
    socket.on('close', () => resolve(text));
  });
  t.regex(reply, /^HTTP\/1\.1 200 /);
  t.true(reply.endsWith(body));
});

test('secret values appear in no reply, log, invocation record or metric', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const value = `needle-${api.namespace}`;
  await api.put('/v1/functions/secrets', { name: 'S', value });
  await api.invoke('probe', commands({ op: 'env', a: 'S' }));
  const texts = await Promise.all(
    [
      '/v1/functions/secrets',
      '/v1/functions/probe',
      '/v1/functions/probe/logs',
      '/v1/invocations',
      '/metrics',
    ].map(async (path) => (await api.get(path)).text),
  );
  t.false(texts.join('').includes(value));
  t.false((await engine()).log().includes(value));
});

test('a caller from outside the namespace of a failed public function gets the exit code without the reason', async (t) => {
  const api = await aTenantWithProbe(await engine(), { is_public: 'true' });
  const other = await aTenant(await engine());
  for (const [op, code] of [
    ['stderr', 3],
    ['stderr', -1],
  ] as const) {
    const input = commands({ op, a: 'a secret reason' }, { op: 'exit', n: code });
    const own = await api.invoke('probe', input);
    t.is(own.json.error, `exited with code ${code}: a secret reason`);
    for (const stranger of [api.as(), other]) {
      const reply = await stranger.request('POST', `/v1/invoke/${api.namespace}/probe`, { body: input });
      t.is(reply.status, 500);
      t.is(reply.json.error, `exited with code ${code}`);
      t.false(reply.text.includes('secret reason'));
    }
  }
});

test('an anonymous caller of a public function that panics or exhausts its memory gets no stderr output', async (t) => {
  const api = await aTenant(await engine());
  await api.deploy('kitchen', await guest('kitchen.c'), { is_public: 'true' });
  for (const [input, own, strange] of [
    [
      "stderr thread 'main' (1) panicked at src/main.rs:1:2:\nstderr a secret\ntrap",
      'trap: unreachable: panicked at src/main.rs:1:2: a secret',
      'trap: unreachable',
    ],
    ['error a secret\nexit 3', 'exited with code 3: a secret', 'exited with code 3'],
    [
      'bomb',
      'memory limit of 64 MB exceeded (exited with code 7: malloc gave NULL)',
      'memory limit of 64 MB exceeded (exited with code 7)',
    ],
  ] as const) {
    t.is((await api.invoke('kitchen', input)).json.error, own);
    const path = `/v1/invoke/${api.namespace}/kitchen`;
    t.is((await api.as().request('POST', path, { body: input })).json.error, strange);
  }
});
