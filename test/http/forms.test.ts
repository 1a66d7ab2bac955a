import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { Api, ApiReply } from '../helpers/api.js';
import { requestHead as head, rawHttp } from '../helpers/raw-http.js';
import { watchMemory } from '../helpers/rss.js';
import { aTenant, sharedEngine } from './served.js';

const MB = 1 << 20;
const IDLE_SECONDS = 5;
/** The longest time that /health may take meanwhile: blocked parsing took 5 to 100 seconds. */
const HEALTH_MS = 3000;
const engine = sharedEngine({ env: { REQUEST_IDLE_SECONDS: String(IDLE_SECONDS) } });

type Content = string | Uint8Array;

/** Encodes one part; `headers` are sent as they are. */
function part(headers: string, content: Content = 'x'): Buffer {
  return Buffer.concat([Buffer.from(`--b\r\n${headers}\r\n\r\n`), Buffer.from(content), Buffer.from('\r\n')]);
}

const field = (name: string, content: Content = 'x', more = '') =>
  part(`Content-Disposition: form-data; name="${name}"${more}`, content);
const file = (content: Content = 'x', filename = 'filename="f"', more = '') =>
  part(`Content-Disposition: form-data; name="file"; ${filename}${more}`, content);
const END = '--b--\r\n';

function form(...parts: Content[]): Buffer {
  return Buffer.concat(parts.map((bytes) => Buffer.from(bytes)));
}

function upload(api: Api, body: Content, boundary = 'b'): Promise<ApiReply> {
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
  return api.request('POST', '/v1/storage/upload', { headers, body });
}

/**
 * Runs `work` and checks that /health answers all the while. Work during which it did not is
 * repeated: a busy machine may delay it, too, but hardly each time, or also without the work.
 */
async function whileHealthy<T>(t: ExecutionContext, work: () => Promise<T>): Promise<T> {
  const tries: number[] = [];
  for (;;) {
    const { result, longest } = await timed(work);
    if (longest < HEALTH_MS) return result;
    const { longest: idle } = await timed(() => delay(1000));
    if (longest < 10 * idle) return result;
    tries.push(longest);
    if (tries.length === 3) return t.fail(`/health took ${tries.join(', ')} ms`);
  }
}

/** Runs `work`. Returns its result, and the longest time that /health took meanwhile. */
async function timed<T>(work: () => Promise<T>) {
  const { api } = await engine();
  const working = work();
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  working.then(over, over);
  let longest = 0;
  do {
    const asked = Date.now();
    const { status } = await api.get('/health');
    // 503 if the machine is too busy for one of the dependencies to answer in time.
    longest = Math.max(longest, status === 200 ? Date.now() - asked : Number.POSITIVE_INFINITY);
    await delay(20);
  } while (!isOver);
  return { result: await working, longest };
}

async function download(api: Api, cid: string): Promise<Buffer> {
  const response = await fetch(`${api.url}/v1/storage/get/${cid}`, {
    headers: { 'x-api-key': api.key ?? '' },
  });
  return Buffer.from(await response.arrayBuffer());
}

test('a part with a Content-Transfer-Encoding is read as it is, or returns 400 if it is encoded', async (t) => {
  const api = await aTenant(await engine());
  const encoded = (encoding: string) => `\r\nContent-Transfer-Encoding: ${encoding}`;
  for (const encoding of ['8bit', '7bit', 'binary', 'BINARY']) {
    const body = form(
      field('name', 'größe', encoded(encoding)),
      file('eA==', undefined, encoded(encoding)),
      END,
    );
    const reply = await whileHealthy(t, () => upload(api, body));
    t.is(reply.status, 200, `${encoding}: ${reply.text}`);
    t.like(reply.json, { name: 'größe', size: 4 });
  }
  for (const encoding of ['base64', 'quoted-printable', 'nope', '__proto__', 'utf-16le']) {
    for (const body of [
      form(field('name', 'n', encoded(encoding)), file(), END),
      form(file('eA==', undefined, encoded(encoding)), END),
    ]) {
      const reply = await whileHealthy(t, () => upload(api, body));
      t.is(reply.status, 400, `${encoding}: ${reply.text}`);
      t.true(reply.json.error.includes(`"Content-Transfer-Encoding: ${encoding}"`), reply.text);
    }
  }
});

test('a boundary that names another content type is an ordinary boundary', async (t) => {
  const api = await aTenant(await engine());
  for (const boundary of ['json', 'octet-stream', 'urlencoded', 'json-octet-stream-urlencoded']) {
    const body = form(file(), END).toString().replaceAll('--b', `--${boundary}`);
    const stored = await whileHealthy(t, () => upload(api, body, boundary));
    t.is(stored.status, 200, `${boundary}: ${stored.text}`);
    t.like(stored.json, { name: 'f', size: 1 });
    for (const other of ['{"file":"x"}', '{', 'null', 'file=x', '']) {
      const reply = await whileHealthy(t, () => upload(api, other, boundary));
      t.is(reply.status, 400, `${boundary} ${other}: ${reply.text}`);
    }
  }
});

test('a boundary of 1 to 70 characters is read, quoted or not; other boundaries return 400', async (t) => {
  const api = await aTenant(await engine());
  for (const [given, boundary] of [
    ['"a b"', 'a b'],
    ['"b"; charset=utf-8', 'b'],
    ["(a'+_,-./=?)", "(a'+_,-./=?)"],
    ['x'.repeat(70), 'x'.repeat(70)],
  ] as const) {
    const body = form(file(), END).toString().replaceAll('--b', `--${boundary}`);
    const reply = await upload(api, body, given);
    t.is(reply.status, 200, `${given}: ${reply.text}`);
  }
  for (const boundary of ['', '""', 'x'.repeat(71), '"b "', 'ü']) {
    const reply = await upload(
      api,
      form(file(), END).toString().replaceAll('--b', `--${boundary}`),
      boundary,
    );
    t.is(reply.status, 400, `${boundary}: ${reply.text}`);
    t.regex(reply.json.error, /boundary/);
  }
  const headers = { 'content-type': 'multipart/form-data' };
  const none = await api.request('POST', '/v1/storage/upload', { headers, body: form(file(), END) });
  t.is(none.status, 400, none.text);
});

test.serial('long headers of a part return 400 without blocking other requests', async (t) => {
  const api = await aTenant(await engine());
  const headers = [
    file('x', 'filename="'.repeat(80_000)),
    field('name="'.repeat(200_000)),
    part(`Content-Disposition: form-data; name="file"; filename="f"\r\nX-A: ${'a'.repeat(MB)}`),
    part(
      `Content-Disposition: form-data; name="file"; filename="f"\r\n${'X-A: a\r\n'.repeat(200_000)}X-A: a`,
    ),
    part(`Content-Disposition: form-data; name="file"; filename="${'\\"'.repeat(500_000)}"`),
    part(`Content-Disposition: form-data; name="file"; filename="f"${'; a=b'.repeat(200_000)}`),
  ];
  for (const [index, part] of headers.entries()) {
    const reply = await whileHealthy(t, () => upload(api, form(part, END)));
    t.is(reply.status, 400, `${index}: ${reply.text}`);
    t.regex(reply.json.error, /headers of a part .*at most 16 KB \(16384 bytes\)/);
  }
  const slow = '; a="'.repeat(2000);
  const many = Array.from({ length: 50 }, (_, n) => field(`f${n}`, 'x', slow));
  const reply = await whileHealthy(t, () => upload(api, form(...many, END)));
  t.is(reply.status, 400, reply.text);
});

test.serial(
  'a form of very many parts or boundaries returns 4xx without blocking other requests',
  async (t) => {
    const api = await aTenant(await engine());
    const bodies: [string, Buffer, number][] = [
      ['empty parts', Buffer.from(`${'--b\r\nA: b\r\n\r\n\r\n'.repeat(2_000_000)}${END}`), 400],
      ['bare boundaries', Buffer.from(`${'--b\r\n'.repeat(6_000_000)}${END}`), 400],
      ['10,000 fields', form(...Array.from({ length: 10_000 }, (_, n) => field(`f${n}`)), END), 413],
      ['10,000 files', form(...Array.from({ length: 10_000 }, () => file()), END), 400],
      ['51 fields', form(...Array.from({ length: 51 }, (_, n) => field(`f${n}`)), file(), END), 413],
    ];
    for (const [what, body, status] of bodies) {
      const reply = await whileHealthy(t, () => upload(api, body));
      t.is(reply.status, status, `${what}: ${reply.text}`);
    }
  },
);

test.serial('a file that is full of beginnings of boundaries is stored in memory of its size', async (t) => {
  t.timeout(300_000);
  const running = await engine();
  const api = await aTenant(running);
  for (const filler of ['\r', '\r\n--bounda']) {
    const content = Buffer.alloc(16 * MB, filler);
    const body = form(file(content), END)
      .toString('latin1')
      .replace(/^--b|--b--\r\n$/g, (match) => match.replace('--b', '--boundary'));
    const memory = await watchMemory(running.pid);
    const reply = await whileHealthy(t, () => upload(api, Buffer.from(body, 'latin1'), 'boundary'));
    const grown = (await memory.end()) - memory.before;
    t.is(reply.status, 200, reply.text);
    t.true((await download(api, reply.json.cid)).equals(content), JSON.stringify(filler));
    t.true(grown < 400, `${JSON.stringify(filler)}: ${grown.toFixed(0)} MB more`);
  }
});

test('a file sent in very small chunks is stored as it is', async (t) => {
  const api = await aTenant(await engine());
  const content = Buffer.from(
    Array.from({ length: 3000 }, (_, n) => (n % 7 === 0 ? '\r\n--' : n % 256)).join(),
  );
  const body = form(field('name', 'chunks'), file(content), END);
  const { hostname, port } = new URL(api.url);
  const socket = connect({ port: Number(port), host: hostname, noDelay: true });
  t.teardown(() => socket.destroy());
  let received = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text;
  });
  const type = 'Content-Type: multipart/form-data; boundary=b';
  const request = [
    'Host: x',
    'Connection: close',
    `X-API-Key: ${api.key}`,
    type,
    'Transfer-Encoding: chunked',
  ];
  socket.write(head('POST', '/v1/storage/upload', ...request));
  for (let at = 0; at < body.byteLength; at += 1 + (at % 5)) {
    const chunk = body.subarray(at, at + 1 + (at % 5));
    socket.write(
      Buffer.concat([Buffer.from(`${chunk.byteLength.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
    );
  }
  socket.write('0\r\n\r\n');
  await new Promise((resolve) => socket.once('close', resolve));
  t.regex(received, /^HTTP\/1.1 200 /);
  const { cid, name } = JSON.parse(/\{.*\}/.exec(received)?.[0] ?? '{}');
  t.is(name, 'chunks');
  t.true((await download(api, cid)).equals(content));
});

const NAMES: [filename: string, name: string][] = [
  ['filename="größe 🙂.txt"', 'größe 🙂.txt'],
  ['filename=plain.txt', 'plain.txt'],
  ['filename="a/b.txt"', 'a/b.txt'],
  ['filename="C:\\\\dir\\\\x.txt"', 'x.txt'],
  ['filename="%22q%22.txt"', '"q".txt'],
  ['filename="a \\"b\\".txt"', 'a "b".txt'],
  ['filename="a;b=c.txt"', 'a;b=c.txt'],
  [`filename="x"; filename*=utf-8''%e2%82%ac%20x.txt`, '€ x.txt'],
  [`filename*=UTF-8'en'%C3%BC.txt`, 'ü.txt'],
];

test('the file name may be quoted, escaped, not ASCII or given as filename*', async (t) => {
  const api = await aTenant(await engine());
  for (const [filename, name] of NAMES) {
    const reply = await upload(api, form(file('x', filename), END));
    t.is(reply.status, 200, `${filename}: ${reply.text}`);
    t.like(reply.json, { name, size: 1 }, filename);
  }
  const empty = await upload(api, form(file(''), END));
  t.like(empty.json, { name: 'f', size: 0 });
});

test('a preamble, an epilogue, a missing line end or spaces after a boundary make no difference', async (t) => {
  const api = await aTenant(await engine());
  for (const body of [
    form('\r\n', file(), END),
    form('\r\n\r\n', file(), END),
    form('a preamble\r\n--\r\n', file(), END),
    form(Buffer.alloc(60_000, 'p'), '\r\n', file(), END),
    form(file(), '--b--'),
    form(file(), END, 'epilogue\r\n--b\r\n\r\n'),
    form(file(), END, Buffer.alloc(200_000, 'e')),
    form(file(), END, '\r\n\r\n'),
    form(file().toString().replace('--b\r\n', '--b  \r\n'), END),
  ]) {
    const reply = await upload(api, body);
    t.is(reply.status, 200, reply.text);
    t.like(reply.json, { name: 'f', size: 1 });
  }
});

const MALFORMED: [what: string, body: Content, sentence: RegExp][] = [
  ['no body', '', /cannot be read/],
  ['no boundary', 'nothing of the kind', /cannot be read/],
  ['the boundary of another form', form(file(), END).toString().replaceAll('--b', '--c'), /cannot be read/],
  ['no final boundary', form(file()), /cannot be read/],
  ['a file cut off', form(file()).subarray(0, -5), /cannot be read/],
  ['headers cut off', '--b\r\nContent-Disp', /cannot be read/],
  ['line feeds only', form(file(), END).toString().replaceAll('\r\n', '\n'), /cannot be read/],
  ['a part without headers', form('--b\r\n\r\nx\r\n', END), /cannot be read/],
  ['a part without a name', form(part('Content-Type: text/plain'), file(), END), /a part without a name/],
  [
    'headers that are not UTF-8',
    Buffer.from(form(file('x', 'filename="\xfc"'), END).toString(), 'latin1'),
    /UTF-8/,
  ],
  ['another charset of filename*', form(file('x', "filename*=nope''x"), END), /filename\* .*UTF-8/],
  ['a field that is not UTF-8', form(field('name', Uint8Array.of(0xff)), file(), END), /"name" .*UTF-8/],
  ['two files', form(file(), file(), END), /"file" was sent more than once/],
  ['a field twice', form(field('name'), field('name'), file(), END), /"name" was sent more than once/],
  ['a field and a file of one name', form(file(), field('file'), END), /"file" was sent more than once/],
  ['no file', form(field('name'), END), /no file "file"/],
  ['the file as a field', form(field('file'), END), /no file "file"/],
  ['bytes as a field', form(field('file', Uint8Array.of(0xff)), END), /no file "file"/],
  ['a preamble without an end', form(Buffer.alloc(100_000, 'p'), '\r\n', file(), END), /cannot be read/],
];

test('a malformed form returns 400 with a sentence that says what is wrong', async (t) => {
  const api = await aTenant(await engine());
  for (const [what, body, sentence] of MALFORMED) {
    const reply = await whileHealthy(t, () => upload(api, body));
    t.is(reply.status, 400, `${what}: ${reply.text}`);
    t.is(reply.json.code, 'invalid_request', what);
    t.regex(reply.json.error, sentence, what);
  }
});

test.serial(
  'a file, field or form over its limit returns 413, and so does a form that has only overhead',
  async (t) => {
    const api = await aTenant(await engine());
    for (const [what, body] of [
      ['a file', form(file(Buffer.alloc(32 * MB + 1)), END)],
      ['a field', form(field('name', Buffer.alloc(MB + 1, 'x')), file(), END)],
      ['fields', form(field('a', Buffer.alloc(MB, 'x')), field('b'), file(), END)],
      ['an epilogue', form(file(), END, Buffer.alloc(35 * MB))],
    ] as const) {
      const reply = await upload(api, body);
      t.is(reply.status, 413, `${what}: ${reply.text}`);
      t.regex(reply.json.error, /32 MB \(33554432 bytes\)/, what);
    }
  },
);

test('an incomplete form returns 408 after REQUEST_IDLE_SECONDS, and a closed connection ends only itself', async (t) => {
  const { url } = await engine();
  const api = await aTenant(await engine());
  const type = 'Content-Type: multipart/form-data; boundary=b';
  const headers = ['Host: x', `X-API-Key: ${api.key}`, type, 'Content-Length: 1000'];
  const request = head('POST', '/v1/storage/upload', ...headers);
  const starts = ['', '--b\r\nContent-Disp', file().toString('latin1'), form(file(), END).toString('latin1')];
  await Promise.all(
    starts.map(async (start) => {
      const { received } = await rawHttp(url, request + start);
      t.regex(received, /^HTTP\/1.1 408 [\s\S]*"request_timeout"/, start);
      await rawHttp(url, request + start, { end: true });
    }),
  );
  t.is((await api.get('/health')).status, 200);
});
