import { createConnection } from 'node:net';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { probeWasm } from '../helpers/probe.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';

const engine = sharedEngine();
const cursor = (position: unknown) => Buffer.from(JSON.stringify(position)).toString('base64url');

const QUERIES: [path: string, sentence: RegExp][] = [
  ['/v1/functions/probe/logs?limit=0', /^limit must be a whole number from 1 to 1000, not 0$/],
  ['/v1/functions/probe/logs?limit=1001', /^limit .* from 1 to 1000, not 1001$/],
  ['/v1/functions/probe/logs?limit=ten', /^limit .* from 1 to 1000, not "ten"$/],
  ['/v1/functions/probe/logs?limit=', /^limit .* from 1 to 1000, not ""$/],
  ['/v1/functions/probe/logs?limit=1&limit=2', /^limit was given more than once/],
  ['/v1/invocations?limit=501', /^limit must be a whole number from 1 to 500, not 501$/],
  ['/v1/invocations?limit=1.5', /^limit .* from 1 to 500, not 1\.5$/],
  ['/v1/invocations?status=gone', /^status must be "queued" or .*, not "gone"$/],
  ['/v1/invocations?cursor=', /^cursor /],
  ['/v1/invocations?cursor=%zz', /^cursor must be a next_cursor/],
  [`/v1/invocations?cursor=${cursor({ part: 'live', at: 'x' })}`, /^cursor must be a next_cursor/],
  [`/v1/invocations?cursor=${cursor({ part: 'ended', at: "' OR 1=1 --" })}`, /is no cursor/],
  [`/v1/invocations?cursor=${cursor({})}`, /^cursor must be a next_cursor/],
  ['/v1/functions/probe/logs?since=yesterday', /^since must be a time such as .*, not "yesterday"$/],
  ['/v1/functions/probe/logs?since=-5', /^since .*, not "-5"$/],
  [
    '/v1/functions/probe/logs?since=2026-13-45T00:00:00Z',
    /^since must be an existing date and time, not "2026-13/,
  ],
  ['/v1/functions/probe/logs?since=2026-01-01', /^$/],
  ['/v1/functions/probe/logs?since=15m', /^$/],
  [
    '/v1/invocations/01890000-0000-7000-8000-00000000000Z',
    /^id must be a UUID in lower case, not "0189.*Z"$/,
  ],
];

test('an invalid query or path parameter returns 400 with the value and the allowed range', async (t) => {
  const api = await aTenantWithProbe(await engine());
  for (const [path, sentence] of QUERIES) {
    const { status, json, text } = await api.get(path);
    const isFine = sentence.source === '^$';
    t.is(status, isFine ? 200 : 400, `${path}: ${text}`);
    if (!isFine) t.regex(json.error, sentence);
  }
});

const HEADERS: [headers: Record<string, string>, sentence: RegExp][] = [
  [
    { 'x-delay-seconds': 'soon' },
    /^x-delay-seconds must be a number of seconds from 0 to 604800, not "soon"$/,
  ],
  [{ 'x-delay-seconds': '-1' }, /^x-delay-seconds .* from 0 to 604800, not -1$/],
  [{ 'x-max-age-seconds': '604801' }, /^x-max-age-seconds .* from 0 to 604800, not 604801$/],
  [{ 'x-request-id': 'mine' }, /^x-request-id must be a UUID, not "mine"$/],
  [{ 'idempotency-key': 'x'.repeat(300) }, /^idempotency-key must be at most 255 characters long, not 300$/],
  [{ 'x-callback-url': 'ftp://files' }, /^x-callback-url must be an http or https URL, not "ftp:/],
  [{ 'x-callback-url': 'http://[::g]/' }, /http:\/\/\[::g\]/],
  [
    { 'x-callback-url': 'http://0x7f.1/' },
    /127\.0\.0\.1 may not be reached: it is a loopback address\. The operator can allow it with EGRESS_ALLOW$/,
  ],
];

test('an invalid request header returns 400 with the value and the allowed range', async (t) => {
  const api = await aTenantWithProbe(await engine());
  for (const [headers, sentence] of HEADERS) {
    const { status, json, text } = await api.invoke('probe', 'x', { prefer: 'respond-async', ...headers });
    t.is(status, 400, text);
    t.regex(json.error, sentence);
  }
});

const MESSAGES: [body: unknown, sentence: RegExp][] = [
  [{ topic: 'a' }, /"topic", and "data" or "data_base64"/],
  [[], /"topic", and "data" or "data_base64"/],
  [
    { topic: 'a', data: 1, data_base64: 'eA==' },
    /^data cannot come with the other; send data or data_base64$/,
  ],
  [{ topic: 5, data: 1 }, /^topic must be a string, not 5$/],
  [{ topic: 'x'.repeat(300), data: 1 }, /^topic must be at most 256 characters long, not 300$/],
  [{ topic: 'a\u0000', data: 1 }, /^topic may hold no blanks or control characters/],
  [{ topic: 'a', data_base64: '%%%' }, /^data_base64 .*"%%%"/],
];

test('an invalid pubsub message returns 400 with an error that names the field', async (t) => {
  const { api } = await engine();
  for (const [body, sentence] of MESSAGES) {
    const { status, json, text } = await api.post('/v1/pubsub/publish', body);
    t.is(status, 400, text);
    t.regex(json.error, sentence);
  }
  t.is((await api.post('/v1/pubsub/publish', { topic: 'größe:🙂', data: null })).status, 200);
});

test('JSON is accepted with any content type, chunked or with a byte order mark; gzip returns 415', async (t) => {
  const { api } = await engine();
  const body = '{"topic":"a","data":1}';
  const publish = (sent: string | Uint8Array, headers: Record<string, string> = {}) =>
    api.request('POST', '/v1/pubsub/publish', { headers, body: sent });
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=utf-16',
  ]) {
    t.is((await publish(body, { 'content-type': type })).status, 200, type);
  }
  t.is((await publish(`\uFEFF${body}`)).status, 200);
  t.is((await publish(Buffer.from(body, 'utf16le'))).status, 400);
  const packed = await publish(gzipSync(body), { 'content-encoding': 'gzip' });
  t.is(packed.status, 415);
  t.regex(packed.json.error, /"Content-Encoding: gzip"/);
  const chunked = await fetch(`${api.url}/v1/pubsub/publish`, {
    method: 'POST',
    headers: { 'x-api-key': api.key ?? '' },
    body: new Blob([body]).stream(),
    duplex: 'half',
  } as RequestInit);
  t.is(chunked.status, 200);
});

test('an unknown Expect header is ignored', async (t) => {
  const { url } = await engine();
  const reply = await new Promise<string>((resolve) => {
    const socket = createConnection(Number(new URL(url).port), '127.0.0.1', () =>
      socket.write('GET /v1/version HTTP/1.1\r\nhost: x\r\nexpect: a miracle\r\nconnection: close\r\n\r\n'),
    );
    let text = '';
    socket.on('data', (part) => {
      text += part;
    });
    socket.on('close', () => resolve(text));
  });
  t.regex(reply, /^HTTP\/1\.1 200 /);
});

test('an invalid JSON body returns 400 with the reason, and the error does not repeat the body', async (t) => {
  const { api } = await engine();
  const send = (body: string | Uint8Array) => api.request('PUT', '/v1/functions/secrets', { body });
  const cases: [string | Uint8Array, RegExp][] = [
    ['', /empty/],
    ['{', /JSON/],
    ['{"name":"a","value":"se-cret"', /JSON/],
    ['[]', /map|object/],
    ['null', /map|object/],
    ['{"name":"a"}', /value/],
    ['{"name":"a b","value":"x"}', /name.*a b/],
    ['{"name":"a","value":7}', /value/],
    [`${'['.repeat(5000)}`, /nested/],
    [`{"name":"a","value":${'['.repeat(5000)}${']'.repeat(5000)}}`, /nested/],
    [Uint8Array.from([0x7b, 0xff, 0x7d]), /UTF-8/],
  ];
  for (const [body, sentence] of cases) {
    const reply = await send(body);
    t.is(reply.status, 400, String(body).slice(0, 60));
    t.regex(reply.json.error, sentence, String(body).slice(0, 60));
    t.false(reply.text.includes('se-cret'));
  }
  t.is((await send(`{"name":"a","value":"${'x'.repeat(3 << 20)}"}`)).status, 413);
});

test('a deploy without multipart/form-data returns 415, without the file wasm 400, with 33 MB 413', async (t) => {
  const { api } = await engine();
  const json = await api.post('/v1/functions', { name: 'x' });
  t.is(json.status, 415);
  const form = new FormData();
  form.set('name', 'x');
  const noFile = await api.request('POST', '/v1/functions', { body: form });
  t.is(noFile.status, 400);
  t.regex(noFile.json.error, /wasm/);
  const broken = await api.request('POST', '/v1/functions', {
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
    body: '--x\r\ncontent-disposition: form-data; name="name"\r\n\r\nhalf',
  });
  t.is(broken.status, 400);
  t.is((await api.deploy('big', new Uint8Array(33 << 20))).status, 413);
});

test('a file part without a content type is accepted as a file', async (t) => {
  const api = await aTenant(await engine());
  const wasm = await probeWasm();
  const part = (headers: string, content: Uint8Array) =>
    Buffer.concat([
      Buffer.from(`--b\r\ncontent-disposition: form-data; ${headers}\r\n\r\n`),
      content,
      Buffer.from('\r\n'),
    ]);
  const body = Buffer.concat([
    part('name="name"', Buffer.from('plain')),
    part('name="wasm"; filename="function.wasm"', wasm),
    Buffer.from('--b--\r\n'),
  ]);
  const reply = await api.request('POST', '/v1/functions', {
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body,
  });
  t.is(reply.status, 201, reply.text);
  t.is((await api.invoke('plain', '{}')).text, '{}');
});
