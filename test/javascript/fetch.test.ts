import { text } from 'node:stream/consumers';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import test from 'ava';
import { httpServer } from '../helpers/http-server.js';
import { buildJavaScript } from '../helpers/javascript.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';

const engine = shared(() => startEngine({ env: { EGRESS_ALLOW: '127.0.0.1' } }));
const server = shared(() =>
  httpServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://h');
    switch (pathname) {
      case '/echo': {
        const { 'content-type': type, 'x-a': a, accept } = request.headers;
        const body = await text(request);
        response.setHeader('content-type', 'application/json');
        return void response.end(JSON.stringify({ method: request.method, type, a, accept, body }));
      }
      case '/status':
        return void response.writeHead(Number(searchParams.get('code')), { 'x-b': ['1', '2'] }).end();
      case '/redirect':
        return void response.writeHead(302, { location: '/echo?after' }).end();
      case '/cookies':
        return void response.writeHead(200, { 'set-cookie': ['a=1; Path=/', 'b=2'] }).end('c');
      case '/gzip':
        return void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('packed ä'));
      case '/br':
        return void response.writeHead(200, { 'content-encoding': 'br' }).end(brotliCompressSync('packed'));
      case '/bytes':
        return void response.end(Buffer.from([0, 255, 128]));
      case '/bom':
        return void response.end(Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]));
      case '/never':
        return;
      default:
        response.destroy();
    }
  }),
);

/** Each is the body of an async function with `at`, the address of a server. */
const SNIPPETS = [
  'const r = await fetch(at + "/echo"); return [r.status, r.ok, r.redirected, r.type, new URL(r.url).pathname, r.headers.get("Content-Type"), (await r.json()).method, r.bodyUsed]',
  'return (await fetch(at + "/echo", { method: "post", body: "a=ä" })).json().then(({ accept, ...rest }) => rest)',
  'return (await fetch(at + "/echo", { method: "PUT", body: new URLSearchParams({ a: "b c" }), headers: [["X-A", "1"]] })).json().then(({ accept, ...rest }) => rest)',
  'return (await fetch(new URL("/echo", at), { method: "PATCH", body: new Uint8Array([65, 66]), headers: new Headers({ "content-type": "x/y" }) })).json().then(({ accept, ...rest }) => rest)',
  'return (await fetch(new Request(at + "/echo", { method: "POST", body: "1", headers: { "X-A": "q" } }), { headers: { "X-A": "over" } })).json().then(({ accept, ...rest }) => rest)',
  'const r = await fetch(at + "/status?code=404"); return [r.status, r.ok, r.headers.get("x-b"), [...r.headers.keys()].includes("x-b"), await r.text()]',
  'const r = await fetch(at + "/status?code=204"); return [r.status, r.ok, r.body === null || typeof r.body, await r.text()]',
  'const r = await fetch(at + "/status?code=304"); return [r.status, r.ok, r.body === null || typeof r.body, await r.text()]',
  'const r = await fetch(at + "/status?code=999"); const copy = r.clone(); return [r.status, r.ok, copy.status, await copy.text()]',
  'const r = await fetch(at + "/redirect"); return [r.status, new URL(r.url).search, (await r.json()).method]',
  'return (await fetch(at + "/echo?q#part")).url',
  'return fetch(at + "/redirect", { redirect: "error" }).catch((error) => [error.name, error.message])',
  'return (await fetch(at + "/echo", { redirect: "error" })).status',
  'const request = new Request(at + "/echo", { method: "POST", body: "x" }); await fetch(request); return [request.bodyUsed, await fetch(request).catch((error) => error.name)]',
  'return (await fetch(at + "/echo", null)).status',
  'const r = await fetch(at + "/cookies"); return [r.headers.getSetCookie(), r.headers.get("set-cookie"), [...r.headers].filter(([name]) => name === "set-cookie")]',
  'return [await (await fetch(at + "/gzip")).text(), await (await fetch(at + "/br")).text()]',
  'return [...new Uint8Array(await (await fetch(at + "/bytes")).arrayBuffer())]',
  'return [await (await fetch(at + "/bom")).text(), await (await fetch(at + "/bom")).json()]',
  'const r = await fetch(at + "/bytes"); const out = []; for await (const part of r.body) out.push(...part); return out',
  'const r = await fetch(at + "/bytes"); const copy = r.clone(); return [(await r.bytes?.() ?? new Uint8Array(await r.arrayBuffer())).length, (await copy.arrayBuffer()).byteLength]',
  'const r = await fetch(at + "/echo", { method: "HEAD" }); return [r.status, await r.text()]',
  'return fetch(at + "/reset").catch((error) => [error.name, error.message, error instanceof TypeError])',
  'return fetch(at + "/never", { signal: AbortSignal.timeout(50) }).catch((error) => error.name)',
  'const stop = new AbortController(); const call = fetch(at + "/never", { signal: stop.signal }); stop.abort("at once"); return call.catch((error) => error)',
  'const stop = new AbortController(); setTimeout(() => stop.abort("why"), 20); return fetch(at + "/never", { signal: stop.signal }).catch((error) => error)',
  'const all = await Promise.all([1, 2, 3].map((n) => fetch(at + "/echo", { method: "POST", body: String(n) }).then((r) => r.json()))); return all.map(({ body }) => body)',
  'const slow = new AbortController(); const first = await Promise.race([fetch(at + "/never", { signal: slow.signal }).catch(() => "aborted"), fetch(at + "/echo").then((r) => r.status)]); slow.abort(); return first',
  'const r = await fetch(at + "/echo"); await r.text(); return r.text().catch((error) => error.name)',
  'return fetch("http://user:word@host/").catch((error) => error.name)',
  'return fetch("ftp://host/").catch((error) => error.name)',
  'return fetch("not an address").catch((error) => error.name)',
  'return fetch(at, { method: "GET", body: "x" }).catch((error) => error.name)',
  'return fetch(at, { headers: { "bad name": "x" } }).catch((error) => error.name)',
] as const;

test('fetch returns the same results in a function on the engine as in Node.js', async (t) => {
  const { api } = await engine();
  const at = (await server()).url;
  const list = SNIPPETS.map((code) => `async (at) => { ${code} }`).join(',\n');
  const wasm = await buildJavaScript({
    'index.js': `const all = [${list}];\nexport default async (at) => { const out = []; for (const one of all) out.push(await one(at)); return out; }`,
  });
  t.is((await api.deploy('fetches', wasm)).status, 201);
  const { status, json, text: body } = await api.invoke('fetches', JSON.stringify(at));
  t.is(status, 200, body);
  const inNode = new Function(`return [${list}]`)() as ((at: string) => Promise<unknown>)[];
  const expected = JSON.parse(JSON.stringify(await Promise.all(inNode.map((run) => run(at)))));
  const pairs = (results: readonly unknown[]) => SNIPPETS.map((snippet, n) => [snippet, results[n]]);
  t.deepEqual(pairs(json), pairs(expected));
});

test('fetch keeps no listener on its signal once it has been answered', async (t) => {
  const { api } = await engine();
  const wasm = await buildJavaScript({
    'index.js': `export default async (at) => {
      const { signal } = new AbortController();
      let listeners = 0;
      const { addEventListener, removeEventListener } = signal;
      signal.addEventListener = (...given) => { listeners++; addEventListener.apply(signal, given); };
      signal.removeEventListener = (...given) => { listeners--; removeEventListener.apply(signal, given); };
      const during = fetch(at + '/echo', { signal });
      await null;
      const most = listeners;
      await during;
      await fetch(at + '/reset', { signal }).catch(() => null);
      return { most, listeners };
    }`,
  });
  t.is((await api.deploy('listeners', wasm)).status, 201);
  const { json, text: body } = await api.invoke('listeners', JSON.stringify((await server()).url));
  t.deepEqual(json, { most: 1, listeners: 0 }, body);
});
