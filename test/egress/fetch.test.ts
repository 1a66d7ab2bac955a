import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { createEgress, type EgressOptions } from '../../src/egress/fetch.js';
import type { EgressRequest } from '../../src/ports/egress.js';
import { httpServer, type TestServer } from '../helpers/http-server.js';

type Respond = (request: IncomingMessage, response: ServerResponse) => void;

async function server(t: ExecutionContext, respond: Respond): Promise<TestServer> {
  const started = await httpServer(respond);
  t.teardown(() => started.close());
  return started;
}

function egress(t: ExecutionContext, options: EgressOptions) {
  const opened = createEgress({ resolve: async (host) => names(host), ...options });
  t.teardown(() => opened.close());
  return opened;
}

/** The name server of these tests: what is not here does not exist, and nothing is asked of the real one. */
function names(host: string): string[] {
  const known: Record<string, string[]> = {
    'loopback.test': ['127.0.0.1'],
    'a.test': ['127.0.0.1'],
    'b.test': ['127.0.0.1'],
    'mixed.test': ['93.184.216.34', '10.0.0.1'],
    'metadata.test': ['169.254.169.254'],
    'mapped.test': ['::ffff:127.0.0.1'],
    'nat64.test': ['64:ff9b::7f00:1'],
    'public.test': ['93.184.216.34', '2606:4700::1'],
    'empty.test': [],
  };
  const found = known[host];
  if (found === undefined) throw new Error(`ENOTFOUND ${host}`);
  return found;
}

const get = (url: string, more: Partial<EgressRequest> = {}): EgressRequest => ({
  method: 'GET',
  url,
  headers: {},
  body: new Uint8Array(0),
  timeoutMs: 30_000,
  maxResponseBytes: 1 << 20,
  ...more,
});

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

test('a request is sent as it was given, and the answer comes back as it was sent', async (t) => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const { url } = await server(t, (request, response) => {
    response.writeHead(207, {
      'x-method': request.method,
      'x-custom': request.headers['x-custom'],
      'x-two': ['a', 'b'],
    });
    request.pipe(response);
  });
  const answer = await egress(t, { allow: ['127.0.0.1'] }).fetch(
    get(`${url}/path?q=1`, { method: 'PATCH', headers: { 'X-Custom': 'yes' }, body: bytes }),
  );
  t.is(answer.status, 207);
  t.is(answer.headers['x-method'], 'PATCH');
  t.is(answer.headers['x-custom'], 'yes');
  t.is(answer.headers['x-two'], 'a, b');
  t.deepEqual(Buffer.from(answer.body), Buffer.from(bytes));
});

test('no compression is asked for, and a compressed body is handed on as it is', async (t) => {
  const zipped = gzipSync('hello');
  const { url } = await server(t, (request, response) => {
    response.writeHead(200, {
      'content-encoding': 'gzip',
      'x-asked': String(request.headers['accept-encoding']),
    });
    response.end(zipped);
  });
  const answer = await egress(t, { allow: ['127.0.0.1'] }).fetch(get(url));
  t.is(answer.headers['x-asked'], 'undefined');
  t.deepEqual(Buffer.from(answer.body), zipped);
});

test('the caller cannot choose the host header or the framing of the connection', async (t) => {
  const { url, port } = await server(t, (request, response) => response.end(JSON.stringify(request.headers)));
  const headers = {
    Host: 'internal.admin',
    'Transfer-Encoding': 'chunked',
    Connection: 'upgrade',
    Upgrade: 'x',
    Expect: 'y',
    'Content-Length': '999',
  };
  const answer = await egress(t, { allow: ['127.0.0.1'] }).fetch(get(url, { headers }));
  const seen = JSON.parse(text(answer.body)) as Record<string, string>;
  t.is(seen.host, `127.0.0.1:${port}`);
  t.is(seen.upgrade, undefined);
  t.is(seen['transfer-encoding'], undefined);
  t.not(seen['content-length'], '999');
});

for (const headers of [{ 'x-a': 'b\r\nx-injected: 1' }, { 'x a': 'b' }]) {
  test(`a header that would break the request is refused: ${JSON.stringify(headers)}`, async (t) => {
    const { url } = await server(t, (_request, response) => response.end());
    await t.throwsAsync(egress(t, { allow: ['127.0.0.1'] }).fetch(get(url, { headers })), {
      code: 'invalid_request',
    });
  });
}

for (const method of ['CONNECT', 'TRACE', 'GET / HTTP/1.1', '']) {
  test(`the method ${JSON.stringify(method)} is refused`, async (t) => {
    await t.throwsAsync(egress(t, { allow: [] }).fetch(get('http://public.test/', { method })), {
      code: 'invalid_request',
    });
  });
}

// Each of them is a way to write a loopback or otherwise internal address; the server on it must never see a connection.
for (const host of [
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '0x7f.1',
  '%31%32%37.0.0.1',
  '①②⑦.0.0.1',
  '0.0.0.0',
  'localhost',
  'LOCALHOST',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::127.0.0.1]',
  'loopback.test',
  'loopback.test.',
  'mapped.test',
  'nat64.test',
]) {
  test(`${host} is refused, and no connection is attempted`, async (t) => {
    const target = await server(t, (_request, response) => response.end('secret'));
    const resolve = async (name: string) => (name === 'localhost' ? ['127.0.0.1', '::1'] : names(name));
    const guarded = egress(t, { allow: [], resolve });
    const url = `http://${host}:${target.port}/`;
    await t.throwsAsync(guarded.fetch(get(url)), { code: 'egress_refused' });
    await t.throwsAsync(guarded.check(url), { code: 'egress_refused' });
    t.is(target.connections(), 0);
  });
}

for (const url of [
  'http://169.254.169.254/latest/meta-data/',
  'http://[fd00:ec2::254]/',
  'http://metadata.test/',
  'http://10.0.0.1/',
  'http://192.168.1.1/',
  'http://100.64.0.1/',
  'http://[fe80::1]/',
  'http://168.63.129.16/',
  'ftp://public.test/',
  'file:///etc/passwd',
  'javascript:1',
]) {
  test(`${url} is refused by the check alone`, async (t) => {
    await t.throwsAsync(egress(t, { allow: [] }).check(url), { code: 'egress_refused' });
  });
}

test('a public host passes the check; a name with one private address among public ones does not', async (t) => {
  const guarded = egress(t, { allow: [] });
  await t.notThrowsAsync(guarded.check('https://public.test/hook?x=1'));
  await t.notThrowsAsync(guarded.check('https://8.8.8.8:8443/'));
  await t.throwsAsync(guarded.check('https://mixed.test/'), {
    code: 'egress_refused',
    message: /10\.0\.0\.1/,
  });
});

for (const url of ['', 'no url', 'http://', 'http://user:pass@public.test/', 'http://user@public.test/']) {
  test(`${JSON.stringify(url)} is no URL to fetch`, async (t) => {
    await t.throwsAsync(egress(t, { allow: [] }).check(url), { code: 'invalid_request' });
  });
}

test('a name that does not resolve is what the network did, not a refusal', async (t) => {
  const guarded = egress(t, { allow: [] });
  await t.throwsAsync(guarded.fetch(get('http://nowhere.test/')), {
    code: 'unavailable',
    message: /nowhere\.test/,
  });
  await t.throwsAsync(guarded.check('http://empty.test/'), { code: 'unavailable' });
});

test('a name server that answers differently the second time is asked once: the checked address is connected to', async (t) => {
  const wanted = await server(t, (_request, response) => response.end('checked'));
  const answers = [['127.0.0.1'], ['127.0.0.2'], ['169.254.169.254']];
  const asked: string[] = [];
  const guarded = egress(t, {
    allow: ['127.0.0.1'],
    resolve: async (host) => {
      asked.push(host);
      return answers.shift() ?? [];
    },
  });
  const url = `http://rebinding.test:${wanted.port}/`;
  t.is(text((await guarded.fetch(get(url))).body), 'checked');
  t.deepEqual(asked, ['rebinding.test']);
});

test('the connection goes to the address that was checked, though the system knows the name by another', async (t) => {
  // `localhost` is 127.0.0.1 to every system resolver; here the checked answer is another loopback address.
  const wanted = await server(t, (request, response) => response.end(String(request.socket.localAddress)));
  const guarded = egress(t, { allow: ['127.0.0.1'], resolve: async () => ['127.0.0.1'] });
  const answer = await guarded.fetch(get(`http://no-such-name.invalid:${wanted.port}/`));
  t.is(text(answer.body), '127.0.0.1');
  const refusing = egress(t, { allow: ['127.0.0.1'], resolve: async () => ['10.0.0.1'] });
  await t.throwsAsync(refusing.fetch(get(`http://localhost:${wanted.port}/`)), { code: 'egress_refused' });
  t.is(wanted.connections(), 1);
});

test('redirects are followed, each with its own check', async (t) => {
  const secret = await server(t, (_request, response) => response.end('secret'));
  const { url, port } = await server(t, (request, response) => {
    const to: Record<string, string> = {
      '/start': '/next',
      '/next': `http://a.test:${port}/end`,
      '/inside': `http://127.0.0.1:${secret.port}/`,
      '/file': 'file:///etc/passwd',
      '/metadata': 'http://169.254.169.254/',
      '/loop': '/loop',
    };
    const location = to[request.url ?? ''];
    if (location === undefined) response.end(`at ${request.url}`);
    else response.writeHead(302, { location }).end('moved');
  });
  const guarded = egress(t, { allow: [`127.0.0.1:${port}`] });
  t.is(text((await guarded.fetch(get(`${url}/start`))).body), 'at /end');
  for (const path of ['/inside', '/file', '/metadata']) {
    await t.throwsAsync(guarded.fetch(get(url + path)), { code: 'egress_refused' }, path);
  }
  await t.throwsAsync(guarded.fetch(get(`${url}/loop`)), { code: 'unavailable', message: /more than 5/ });
  t.is(secret.connections(), 0);
});

test('credentials stay with the origin they were given for', async (t) => {
  const { port } = await server(t, (request, response) => {
    const { authorization, cookie, 'x-other': other } = request.headers;
    if (request.url === '/away') response.writeHead(307, { location: `http://b.test:${port}/end` }).end();
    else if (request.url === '/here') response.writeHead(307, { location: '/end' }).end();
    else response.end(JSON.stringify({ authorization, cookie, other }));
  });
  const guarded = egress(t, { allow: ['*.test'] });
  const headers = { Authorization: 'Bearer s', Cookie: 'a=b', 'X-Other': 'kept' };
  const here = await guarded.fetch(get(`http://a.test:${port}/here`, { headers }));
  t.deepEqual(JSON.parse(text(here.body)), { authorization: 'Bearer s', cookie: 'a=b', other: 'kept' });
  const away = await guarded.fetch(get(`http://a.test:${port}/away`, { headers }));
  t.deepEqual(JSON.parse(text(away.body)), { other: 'kept' });
});

test('a redirected POST becomes a GET or stays one, as its status says', async (t) => {
  const { url } = await server(t, (request, response) => {
    const status = Number(request.url?.slice(1));
    if (status > 0) response.writeHead(status, { location: '/' }).end();
    else {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () =>
        response.end(`${request.method} ${request.headers['content-type']} ${Buffer.concat(parts)}`),
      );
    }
  });
  const guarded = egress(t, { allow: ['127.0.0.1'] });
  const post = { method: 'post', headers: { 'content-type': 'text/plain' }, body: Buffer.from('data') };
  for (const [status, seen] of [
    [301, 'GET undefined '],
    [302, 'GET undefined '],
    [303, 'GET undefined '],
    [307, 'POST text/plain data'],
    [308, 'POST text/plain data'],
  ] as const) {
    t.is(text((await guarded.fetch(get(`${url}/${status}`, post))).body), seen);
  }
});

test('the function’s own list holds as well, after redirects too, and opens nothing that is private', async (t) => {
  const { port } = await server(t, (request, response) => {
    if (request.url === '/away') response.writeHead(302, { location: `http://b.test:${port}/` }).end();
    else response.end('ok');
  });
  const guarded = egress(t, { allow: ['*.test'] });
  const from = (path: string, allowedHosts: string[]) =>
    guarded.fetch(get(`http://a.test:${port}${path}`, { allowedHosts }));
  t.is(text((await from('/', ['a.test'])).body), 'ok');
  t.is(text((await from('/away', ['*.test'])).body), 'ok');
  await t.throwsAsync(from('/', ['b.test']), { code: 'egress_refused', message: /allowed_hosts/ });
  await t.throwsAsync(from('/', []), { code: 'egress_refused' });
  await t.throwsAsync(from('/away', ['a.test']), { code: 'egress_refused' });
  const closed = egress(t, { allow: [] });
  await t.throwsAsync(
    closed.fetch(get(`http://a.test:${port}/`, { allowedHosts: ['a.test', '127.0.0.1'] })),
    { code: 'egress_refused' },
  );
});

test('an answer larger than the limit is an error, never a cut answer', async (t) => {
  const { url } = await server(t, (request, response) => {
    if (request.url === '/endless') {
      const more = () => {
        while (response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', more);
      more();
    } else response.end(Buffer.alloc(1000));
  });
  const guarded = egress(t, { allow: ['127.0.0.1'] });
  t.is((await guarded.fetch(get(url, { maxResponseBytes: 1000 }))).body.length, 1000);
  await t.throwsAsync(guarded.fetch(get(url, { maxResponseBytes: 999 })), { code: 'payload_too_large' });
  await t.throwsAsync(guarded.fetch(get(`${url}/endless`)), { code: 'payload_too_large' });
});

test('the timeout covers name lookup, connection, headers and body alike', async (t) => {
  const { url, port } = await server(t, (request, response) => {
    if (request.url === '/body') response.write('begun');
    if (request.url === '/redirect') response.writeHead(302, { location: '/silent' }).end();
  });
  const guarded = egress(t, { allow: ['127.0.0.1'] });
  for (const path of ['/silent', '/body', '/redirect']) {
    await t.throwsAsync(
      guarded.fetch(get(url + path, { timeoutMs: 200 })),
      { code: 'unavailable', message: /0\.2 s/ },
      path,
    );
  }
  const deaf = egress(t, { allow: [], resolve: () => new Promise<string[]>(() => {}) });
  await t.throwsAsync(deaf.fetch(get(`http://slow.test:${port}/`, { timeoutMs: 200 })), {
    code: 'unavailable',
  });
});

test('a request can be cancelled, and the server sees it go', async (t) => {
  let onClosed = () => {};
  const closed = new Promise<void>((resolve) => {
    onClosed = resolve;
  });
  const cancel = new AbortController();
  const { url } = await server(t, (request) => {
    once(request.socket, 'close').then(() => onClosed());
    cancel.abort();
  });
  await t.throwsAsync(egress(t, { allow: ['127.0.0.1'] }).fetch(get(url, { signal: cancel.signal })), {
    code: 'cancelled',
  });
  await closed;
});

test('a server that hangs up or is not there is what the network did', async (t) => {
  const { url } = await server(t, (request) => request.socket.destroy());
  const guarded = egress(t, { allow: ['127.0.0.1'] });
  await t.throwsAsync(guarded.fetch(get(url)), { code: 'unavailable' });
  const gone = await httpServer(() => {});
  await gone.close();
  await t.throwsAsync(guarded.fetch(get(gone.url)), { code: 'unavailable', message: /ECONNREFUSED/ });
});

test('sixty-four requests wait for one server at once', async (t) => {
  const waiting: ServerResponse[] = [];
  const { url } = await server(t, (_request, response) => {
    // All are answered only when all have come: fewer at once would wait for ever.
    if (waiting.push(response) === 64) for (const each of waiting) each.end('ok');
  });
  const guarded = egress(t, { allow: ['127.0.0.1'] });
  const answers = await Promise.all(Array.from({ length: 64 }, () => guarded.fetch(get(url))));
  t.true(answers.every((answer) => text(answer.body) === 'ok'));
});

test('closing ends what is under way', async (t) => {
  const { url } = await server(t, () => {});
  const guarded = createEgress({ allow: ['127.0.0.1'] });
  const waiting = guarded.fetch(get(url));
  await guarded.close();
  await guarded.close();
  await t.throwsAsync(waiting, { code: 'unavailable' });
});
