import test from 'ava';
import { asker, egress, get, names, server } from '../helpers/egress.js';
import { textOf } from '../helpers/text-of.js';

// Each is a notation of a loopback or other internal address; the server must never see a
// connection.
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
  test(`a request to ${host} is refused without a connection`, async (t) => {
    const target = await server(t, (_request, response) => response.end('secret'));
    const resolve = async (name: string) => (name === 'localhost' ? ['127.0.0.1', '::1'] : names(name));
    const guarded = egress(t, { allow: [], resolve });
    const url = `http://${host}:${target.port}/`;
    await t.throwsAsync(guarded.fetch(get(url)), { code: 'egress_refused' });
    await t.throwsAsync(guarded.check(url, asker), { code: 'egress_refused' });
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
  test(`the check refuses ${url}`, async (t) => {
    await t.throwsAsync(egress(t, { allow: [] }).check(url, asker), { code: 'egress_refused' });
  });
}

test('the check accepts public hosts and refuses a name with any private address', async (t) => {
  const guarded = egress(t, { allow: [] });
  await t.notThrowsAsync(guarded.check('https://public.test/hook?x=1', asker));
  await t.notThrowsAsync(guarded.check('https://8.8.8.8:8443/', asker));
  await t.throwsAsync(guarded.check('https://mixed.test/', asker), {
    code: 'egress_refused',
    message: /10\.0\.0\.1/,
  });
});

for (const url of ['', 'no url', 'http://', 'http://user:pass@public.test/', 'http://user@public.test/']) {
  test(`the URL ${JSON.stringify(url)} is rejected as invalid`, async (t) => {
    await t.throwsAsync(egress(t, { allow: [] }).check(url, asker), { code: 'invalid_request' });
  });
}

test('allowedHosts also applies after redirects and does not allow private addresses', async (t) => {
  const { port } = await server(t, (request, response) => {
    if (request.url === '/away') response.writeHead(302, { location: `http://b.test:${port}/` }).end();
    else response.end('ok');
  });
  const guarded = egress(t, { allow: ['*.test'] });
  const from = (path: string, allowedHosts: string[]) =>
    guarded.fetch(get(`http://a.test:${port}${path}`, { allowedHosts }));
  t.is(textOf((await from('/', ['a.test'])).body), 'ok');
  t.is(textOf((await from('/away', ['*.test'])).body), 'ok');
  await t.throwsAsync(from('/', ['b.test']), { code: 'egress_refused', message: /allowed_hosts/ });
  await t.throwsAsync(from('/', []), { code: 'egress_refused' });
  await t.throwsAsync(from('/away', ['a.test']), { code: 'egress_refused' });
  const closed = egress(t, { allow: [] });
  await t.throwsAsync(
    closed.fetch(get(`http://a.test:${port}/`, { allowedHosts: ['a.test', '127.0.0.1'] })),
    { code: 'egress_refused' },
  );
});

test('a name is resolved once, and the connection goes to the checked address (DNS rebinding)', async (t) => {
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
  t.is(textOf((await guarded.fetch(get(url))).body), 'checked');
  t.deepEqual(asked, ['rebinding.test']);
});

test('the connection uses the checked address instead of the system resolver', async (t) => {
  // System resolvers map `localhost` to 127.0.0.1; here the checked address is another loopback
  // address.
  const wanted = await server(t, (request, response) => response.end(String(request.socket.localAddress)));
  const guarded = egress(t, { allow: ['127.0.0.1'], resolve: async () => ['127.0.0.1'] });
  const answer = await guarded.fetch(get(`http://no-such-name.invalid:${wanted.port}/`));
  t.is(textOf(answer.body), '127.0.0.1');
  const refusing = egress(t, { allow: ['127.0.0.1'], resolve: async () => ['10.0.0.1'] });
  await t.throwsAsync(refusing.fetch(get(`http://localhost:${wanted.port}/`)), { code: 'egress_refused' });
  t.is(wanted.connections(), 1);
});
