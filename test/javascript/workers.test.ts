import { createHmac } from 'node:crypto';
import test from 'ava';
import { openEngine } from '../../workers/engine/engine.js';
import { type CallOptions, runText } from '../helpers/engine.js';
import { buildJavaScript } from '../helpers/javascript.js';

const engine = openEngine({ threads: 2, parked: 8 });
test.after.always(() => engine.close());

/** Returns the engine's representation of an HTTP request. */
function httpRequest(method: string, path: string, headers: Record<string, string> = {}): string {
  const { pathname, search, searchParams } = new URL(path, 'http://fn.example');
  const query = Object.fromEntries([...searchParams.keys()].map((key) => [key, searchParams.getAll(key)]));
  const url = `http://fn.example${pathname}${search}`;
  const more = { params: {}, remote_address: '127.0.0.1', namespace: 'test', route: '' };
  return JSON.stringify({ method, url, path: pathname, query, headers, ...more });
}

async function call(wasm: Uint8Array, request: string, body = '', options: CallOptions = {}) {
  const outcome = await runText(engine, wasm, body, {
    warmStart: 'reactor',
    httpRequest: request,
    ...options,
  });
  return {
    ...JSON.parse(outcome.response ?? '{}'),
    body: outcome.output,
    error: outcome.error,
    log: outcome.log,
  };
}

test('an HTTP function that fails after it has made its response has none of its own', async (t) => {
  const wasm = await buildJavaScript(`
    const failing = new ReadableStream({ pull(controller) { controller.enqueue(new Uint8Array(9)); if (this.sent) throw new Error('midstream'); this.sent = true; } });
    const responses = {
      stream: () => new Response(failing, { status: 201 }),
      used: async () => { const response = new Response('x', { status: 201 }); await response.text(); return response; },
      large: () => new Response('x'.repeat((1 << 20) + 1), { status: 201 }),
      endless: (context) => { context.waitUntil(new Promise(() => {})); return new Response('x', { status: 201 }); },
      rejected: (context) => { context.waitUntil(Promise.reject(new Error('afterwards'))); return new Response('x', { status: 201 }); },
    };
    export default { fetch: (request, env, context) => responses[new URL(request.url).pathname.slice(1)](context) };`);
  const errors = {
    stream: /midstream/,
    used: /used already/,
    large: /output is larger than 1 MB/,
    endless: /waits for a promise/,
  };
  for (const [name, error] of Object.entries(errors)) {
    const outcome = await call(wasm, httpRequest('GET', `/${name}`));
    t.regex(outcome.error ?? '', error);
    t.is(outcome.status, undefined, name);
  }
  t.like(await call(wasm, httpRequest('GET', '/rejected')), { status: 201, body: 'x' });
});

test('a Cloudflare Worker that routes by path and method runs unchanged', async (t) => {
  const wasm = await buildJavaScript({
    'index.js': `
      const routes = [
        ['GET', new RegExp('^/notes/([^/]+)$'), ([id], url) => Response.json({ id, verbose: url.searchParams.has('verbose') })],
        ['POST', new RegExp('^/notes$'), async (_, url, request) => Response.json(await request.json(), { status: 201, headers: { Location: '/notes/1' } })],
        ['GET', new RegExp('^/old$'), (_, url) => Response.redirect(new URL('/notes/1', url), 301)],
      ];
      export default {
        async fetch(request) {
          const url = new URL(request.url);
          const here = routes.filter(([, pattern]) => pattern.test(url.pathname));
          if (here.length === 0) return new Response('Not found', { status: 404 });
          const route = here.find(([method]) => method === request.method);
          if (!route) return new Response(null, { status: 405, headers: { Allow: here.map(([method]) => method).join(', ') } });
          return route[2](url.pathname.match(route[1]).slice(1).map(decodeURIComponent), url, request);
        },
      };`,
  });
  t.like(await call(wasm, httpRequest('GET', '/notes/a%20b?verbose')), {
    status: 200,
    body: '{"id":"a b","verbose":true}',
  });
  const made = await call(wasm, httpRequest('POST', '/notes'), '{"text":"hi"}');
  t.like(made, { status: 201, body: '{"text":"hi"}', headers: { location: '/notes/1' } });
  t.like(await call(wasm, httpRequest('DELETE', '/notes')), {
    status: 405,
    headers: { allow: 'POST' },
    body: '',
  });
  t.like(await call(wasm, httpRequest('GET', '/old')), {
    status: 301,
    headers: { location: 'http://fn.example/notes/1' },
  });
  t.like(await call(wasm, httpRequest('GET', '/none')), { status: 404, body: 'Not found' });
});

test('a Cloudflare Worker that caches responses in KV runs with only the binding renamed to CACHE', async (t) => {
  const wasm = await buildJavaScript({
    'index.js': `
      export default {
        async fetch(request, env, ctx) {
          const key = 'page:' + new URL(request.url).pathname;
          const kept = await env.CACHE.get(key, { type: 'json' });
          if (kept) return new Response(kept.text, { headers: { 'x-cache': 'hit', 'content-type': kept.type } });
          const origin = await fetch(new URL(new URL(request.url).pathname, env.ORIGIN), { headers: { accept: 'text/html' } });
          if (!origin.ok) return new Response('Bad gateway', { status: 502 });
          const text = await origin.clone().text();
          ctx.waitUntil(env.CACHE.put(key, JSON.stringify({ text, type: origin.headers.get('content-type') }), { expirationTtl: 60 }));
          const response = new Response(origin.body, origin);
          response.headers.set('x-cache', 'miss');
          return response;
        },
      };`,
  });
  const kept = new Map<string, Uint8Array>();
  let fetched = 0;
  const options: CallOptions = {
    env: { ORIGIN: 'http://origin.example' },
    host: {
      cache_get: async (key) => kept.get(key) ?? null,
      cache_set: async (key, value, ttl) => {
        t.is(ttl, 60);
        kept.set(key, value);
      },
      http_start: async (_method, url) => {
        t.is(url, 'http://origin.example/a');
        return ++fetched;
      },
      http_next: async () =>
        JSON.stringify({
          handle: fetched,
          status: 200,
          headers: { 'content-type': 'text/html' },
          body: '<p>hi</p>',
        }),
    },
  };
  for (const cache of ['miss', 'hit', 'hit']) {
    const reply = await call(wasm, httpRequest('GET', '/a'), '', options);
    t.like(reply, {
      error: null,
      status: 200,
      body: '<p>hi</p>',
      headers: { 'content-type': 'text/html', 'x-cache': cache },
    });
  }
  t.is(fetched, 1);
});

test('a Cloudflare Worker that verifies signed webhooks runs with its secret read from SECRETS', async (t) => {
  const wasm = await buildJavaScript({
    'index.js': `
      const encoder = new TextEncoder();
      const fromHex = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
      export default {
        async fetch(request, env, ctx) {
          if (request.method !== 'POST') return new Response('Method not allowed', { status: 405 });
          const body = await request.clone().arrayBuffer();
          const secret = encoder.encode(await env.SECRETS.get('HOOK_SECRET'));
          const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
          const signature = fromHex(request.headers.get('x-signature-256')?.replace('sha256=', '') ?? '');
          if (!await crypto.subtle.verify('HMAC', key, signature, body)) return new Response('Bad signature', { status: 401 });
          const { action } = await request.json();
          await env.publish('hooks:' + action, { at: 'webhook' });
          return new Response('ok');
        },
      };`,
  });
  const published: string[] = [];
  const host: CallOptions['host'] = {
    get_secret: async () => 'the secret',
    pubsub_publish: async (topic) => {
      published.push(topic);
      return 1;
    },
  };
  const body = '{"action":"opened","by":"ädä"}';
  const signature = `sha256=${createHmac('sha256', 'the secret').update(body).digest('hex')}`;
  const send = (given: string) =>
    call(wasm, httpRequest('POST', '/hook', { 'x-signature-256': given }), body, { host });
  t.like(await send(signature), { status: 200, body: 'ok', error: null });
  t.like(await send(signature.replace(/.$/, (last) => (last === '0' ? '1' : '0'))), { status: 401 });
  t.like(await send(''), { status: 401 });
  t.deepEqual(published, ['hooks:opened']);
});

test('a Cloudflare Worker that reads URL-encoded and multipart forms runs unchanged', async (t) => {
  const wasm = await buildJavaScript({
    'index.js': `
      export default {
        async fetch(request, env) {
          const form = await request.formData();
          if (form.get('token') !== env.TOKEN) return Response.json({ error: 'invalid token' }, { status: 403 });
          const file = form.get('file');
          if (file instanceof File) return new Response(file, { headers: { 'x-name': file.name } });
          return Response.json({ text: form.get('text').trim().split(' ') });
        },
      };`,
  });
  const options = { env: { TOKEN: 't' } };
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const command = await call(wasm, httpRequest('POST', '/', type), 'token=t&text=BTC+EUR+', options);
  t.like(command, { status: 200, body: '{"text":["BTC","EUR"]}', error: null });
  t.like(await call(wasm, httpRequest('POST', '/', type), 'token=x', options), { status: 403 });
  const upload = new Request('http://h', { method: 'POST', body: uploadForm() });
  const headers = Object.fromEntries(upload.headers);
  t.like(await call(wasm, httpRequest('POST', '/', headers), await upload.text(), options), {
    status: 200,
    body: 'a,b\n1,2\n',
    headers: { 'content-type': 'text/csv', 'x-name': 'table.csv' },
  });
});

/** Encodes a form as a browser does. */
function uploadForm(): FormData {
  const form = new FormData();
  form.append('token', 't');
  form.append('file', new File(['a,b\n1,2\n'], 'table.csv', { type: 'text/csv' }));
  return form;
}
