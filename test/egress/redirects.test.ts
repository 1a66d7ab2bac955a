import test from 'ava';
import { egress, get, server } from '../helpers/egress.js';
import { textOf } from '../helpers/text-of.js';

test('up to 5 redirects are followed, and a redirect to a refused address is refused', async (t) => {
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
  t.is(textOf((await guarded.fetch(get(`${url}/start`))).body), 'at /end');
  for (const path of ['/inside', '/file', '/metadata']) {
    await t.throwsAsync(guarded.fetch(get(url + path)), { code: 'egress_refused' }, path);
  }
  await t.throwsAsync(guarded.fetch(get(`${url}/loop`)), { code: 'unavailable', message: /more than 5/ });
  t.is(secret.connections(), 0);
});

test('Authorization and Cookie headers are not sent to another origin after a redirect', async (t) => {
  const { port } = await server(t, (request, response) => {
    const { authorization, cookie, 'x-other': other } = request.headers;
    if (request.url === '/away') response.writeHead(307, { location: `http://b.test:${port}/end` }).end();
    else if (request.url === '/here') response.writeHead(307, { location: '/end' }).end();
    else response.end(JSON.stringify({ authorization, cookie, other }));
  });
  const guarded = egress(t, { allow: ['*.test'] });
  const headers = { Authorization: 'Bearer s', Cookie: 'a=b', 'X-Other': 'kept' };
  const here = await guarded.fetch(get(`http://a.test:${port}/here`, { headers }));
  t.deepEqual(JSON.parse(textOf(here.body)), { authorization: 'Bearer s', cookie: 'a=b', other: 'kept' });
  const away = await guarded.fetch(get(`http://a.test:${port}/away`, { headers }));
  t.deepEqual(JSON.parse(textOf(away.body)), { other: 'kept' });
});

test('a redirected POST becomes a GET for 301, 302 and 303 and remains a POST for 307 and 308', async (t) => {
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
    t.is(textOf((await guarded.fetch(get(`${url}/${status}`, post))).body), seen);
  }
});
