import { createServer, type Socket } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { egress, get, server } from '../helpers/egress.js';
import { textOf } from '../helpers/text-of.js';

const HELLO = 'hello, hello, hello, hello';
/**
 * Output of the reference implementation without the content size, which a streaming server does
 * not know.
 */
const ZSTD_HELLO = Buffer.from('KLUv/QRYbQAAOGhlbGxvLCABAEqKEY+ZUzc=', 'base64');

/** 20 MB of zeros: RLE blocks. */
const ZSTD_BOMB = Buffer.concat([
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38]),
  ...Array.from({ length: 160 }, () => Buffer.from([0x02, 0x00, 0x10, 0x00])),
  Buffer.from([0x03, 0x00, 0x10, 0x00]),
]);

const ENCODED: [encoding: string, bytes: Buffer][] = [
  ['gzip', gzipSync(HELLO)],
  ['X-GZIP', gzipSync(HELLO)],
  ['gzip', Buffer.concat([gzipSync('hello, hello, '), gzipSync('hello, hello')])],
  ['deflate', deflateSync(HELLO)],
  ['deflate', deflateRawSync(HELLO)],
  ['br', brotliCompressSync(HELLO)],
  ['zstd', ZSTD_HELLO],
  ['deflate, gzip', gzipSync(deflateSync(HELLO))],
  ['identity', Buffer.from(HELLO)],
];

for (const [index, [encoding, bytes]] of ENCODED.entries()) {
  test(`a body in ${encoding} (${index}) is decoded, and its content headers are removed`, async (t) => {
    const { url } = await server(t, (_request, response) => {
      response.writeHead(200, { 'content-encoding': encoding, 'content-length': bytes.length, etag: '"1"' });
      response.end(bytes);
    });
    const answer = await egress(t, { allow: ['127.0.0.1'] }).fetch(get(url));
    t.is(textOf(answer.body), HELLO);
    t.is(answer.headers.etag, '"1"');
    if (encoding !== 'identity') {
      t.false('content-encoding' in answer.headers);
      t.false('content-length' in answer.headers);
    }
  });
}

test('Accept-Encoding lists the supported encodings unless the caller sets the header', async (t) => {
  const { url } = await server(t, (request, response) => response.end(request.headers['accept-encoding']));
  const client = egress(t, { allow: ['127.0.0.1'] });
  t.is(textOf((await client.fetch(get(url))).body), 'gzip, deflate, br, zstd');
  t.is(textOf((await client.fetch(get(url, { headers: { 'Accept-Encoding': 'br' } }))).body), 'br');
});

test('a response with an unknown encoding keeps its body and headers unchanged', async (t) => {
  const { url } = await server(t, (_request, response) => {
    response.writeHead(200, { 'content-encoding': 'compress, gzip' }).end('bytes');
  });
  const answer = await egress(t, { allow: ['127.0.0.1'] }).fetch(get(url));
  t.is(textOf(answer.body), 'bytes');
  t.is(answer.headers['content-encoding'], 'compress, gzip');
});

test('the response to HEAD keeps its Content-Encoding header', async (t) => {
  const { url } = await server(t, (_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': '1000' }).end();
  });
  const answer = await egress(t, { allow: ['127.0.0.1'] }).fetch(get(url, { method: 'HEAD' }));
  t.is(answer.body.byteLength, 0);
  t.is(answer.headers['content-encoding'], 'gzip');
});

test('a body that exceeds the size limit when decoded is rejected in every encoding', async (t) => {
  const zeros = Buffer.alloc(2 << 20);
  const bombs: [string, Buffer][] = [
    ['gzip', gzipSync(zeros)],
    ['br', brotliCompressSync(zeros)],
    ['deflate', deflateSync(zeros)],
    ['gzip, gzip', gzipSync(gzipSync(zeros))],
    ['zstd', ZSTD_BOMB],
  ];
  const { url } = await server(t, (request, response) => {
    const [encoding, bytes] = bombs[Number(request.url?.slice(1))] ?? ['', zeros];
    response.writeHead(200, { 'content-encoding': encoding }).end(bytes);
  });
  const client = egress(t, { allow: ['127.0.0.1'] });
  for (const index of bombs.keys()) {
    await t.throwsAsync(client.fetch(get(`${url}/${index}`)), { code: 'payload_too_large' });
  }
});

test('more bodies at once than are decoded at once are each decoded or rejected', async (t) => {
  const { url } = await server(t, (request, response) => {
    const isBroken = Number(request.url?.slice(1)) % 2 === 1;
    response
      .writeHead(200, { 'content-encoding': 'br' })
      .end(isBroken ? 'no brotli' : brotliCompressSync(HELLO));
  });
  const client = egress(t, { allow: ['127.0.0.1'] });
  const all = Array.from({ length: 40 }, async (_, index) =>
    textOf((await client.fetch(get(`${url}/${index}`))).body),
  );
  for (const [index, one] of (await Promise.allSettled(all)).entries()) {
    if (index % 2 === 1) t.is(one.status, 'rejected');
    else t.deepEqual(one, { status: 'fulfilled', value: HELLO });
  }
});

test('a truncated or invalid encoded body is an error, and a later request succeeds', async (t) => {
  const broken: [string, Buffer][] = [
    ['gzip', gzipSync(HELLO).subarray(0, 20)],
    ['gzip', Buffer.from('no gzip')],
    ['br', brotliCompressSync(HELLO).subarray(0, 8)],
    ['deflate', Buffer.from([0x78, 0x9c, 0xff])],
    ['zstd', ZSTD_HELLO.subarray(0, 15)],
    ['zstd', Buffer.from('no zstd at all')],
    ['zstd', Buffer.concat([ZSTD_HELLO.subarray(0, 12), Buffer.alloc(20, 0xff)])],
  ];
  const { url } = await server(t, (request, response) => {
    const [encoding, bytes] = broken[Number(request.url?.slice(1))] ?? ['zstd', ZSTD_HELLO];
    response.writeHead(200, { 'content-encoding': encoding }).end(bytes);
  });
  const client = egress(t, { allow: ['127.0.0.1'] });
  for (const index of broken.keys()) {
    const error = await t.throwsAsync(
      client.fetch(get(`${url}/${index}`)),
      { code: 'unavailable' },
      String(index),
    );
    t.regex(error.message, /not what its Content-Encoding says/);
  }
  t.is(textOf((await client.fetch(get(`${url}/good`))).body), HELLO);
});

test('set-cookie headers are returned as a list, and other repeated headers are joined', async (t) => {
  const { url } = await server(t, (request, response) => {
    const cookies = request.url === '/two' ? ['a=1; Expires=Wed, 09 Jun 2027 10:18:14 GMT', 'b=2'] : ['a=1'];
    response.writeHead(200, { 'set-cookie': cookies, 'x-two': ['a', 'b'] }).end();
  });
  const client = egress(t, { allow: ['127.0.0.1'] });
  t.deepEqual((await client.fetch(get(url))).headers['set-cookie'], ['a=1']);
  const two = await client.fetch(get(`${url}/two`));
  t.deepEqual(two.headers['set-cookie'], ['a=1; Expires=Wed, 09 Jun 2027 10:18:14 GMT', 'b=2']);
  t.is(two.headers['x-two'], 'a, b');
});

/** Starts a server that answers every request with these bytes. */
async function rawServer(t: ExecutionContext, answer: (socket: Socket) => void): Promise<string> {
  const raw = createServer((socket) => {
    socket.once('data', () => answer(socket));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
  t.teardown(() => raw.close());
  const address = raw.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
}

for (const [how, head] of [
  ['with an Upgrade header', 'connection: upgrade\r\nupgrade: x\r\n\r\n'],
  ['followed by another response', '\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'],
] as const) {
  test(`an unrequested 101 Switching Protocols fails at once, ${how}`, async (t) => {
    const url = await rawServer(t, (socket) => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${head}`);
    });
    const client = egress(t, { allow: ['127.0.0.1'] });
    await t.throwsAsync(client.fetch(get(url, { timeoutMs: 20_000 })), {
      message: /101 Switching Protocols/,
    });
  });
}

for (const informational of ['100 Continue', '102 Processing', '103 Early Hints']) {
  test(`an informational ${informational} before the response is skipped`, async (t) => {
    const url = await rawServer(t, (socket) => {
      socket.write(`HTTP/1.1 ${informational}\r\nlink: </a>\r\n\r\nHTTP/1.1 ${informational}\r\n\r\n`);
      setTimeout(() => socket.end('HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok'), 20);
    });
    const answer = await egress(t, { allow: ['127.0.0.1'] }).fetch(get(url));
    t.is(answer.status, 201);
    t.is(textOf(answer.body), 'ok');
  });
}
