import { connect } from 'node:net';
import test from 'ava';
import { requestHead as head } from '../helpers/raw-http.js';
import { aTenant, sharedEngine } from './served.js';
import { type Content, download, END, field, file, form, part, upload } from './upload-forms.js';

const engine = sharedEngine();

test('a part with a Content-Transfer-Encoding is read as it is, or returns 400 if it is encoded', async (t) => {
  const api = await aTenant(await engine());
  const encoded = (encoding: string) => `\r\nContent-Transfer-Encoding: ${encoding}`;
  for (const encoding of ['8bit', '7bit', 'binary', 'BINARY']) {
    const body = form(
      field('name', 'größe', encoded(encoding)),
      file('eA==', undefined, encoded(encoding)),
      END,
    );
    const reply = await upload(api, body);
    t.is(reply.status, 200, `${encoding}: ${reply.text}`);
    t.like(reply.json, { name: 'größe', size: 4 });
  }
  for (const encoding of ['base64', 'quoted-printable', 'nope', '__proto__', 'utf-16le']) {
    for (const body of [
      form(field('name', 'n', encoded(encoding)), file(), END),
      form(file('eA==', undefined, encoded(encoding)), END),
    ]) {
      const reply = await upload(api, body);
      t.is(reply.status, 400, `${encoding}: ${reply.text}`);
      t.true(reply.json.error.includes(`"Content-Transfer-Encoding: ${encoding}"`), reply.text);
    }
  }
});

test('a file in another field than that of the file returns 400 and names both, also a large one', async (t) => {
  const api = await aTenant(await engine());
  for (const size of [1, 2 << 20]) {
    const body = new FormData();
    body.set('name', 'fn');
    body.set('file', new Blob([Buffer.alloc(size)]), 'fn.wasm');
    const reply = await api.request('POST', '/v1/functions', { body });
    t.is(reply.status, 400, reply.text);
    t.is(reply.json.error, 'unknown file "file"; the file\'s field is "wasm".');
  }
  const none = new FormData();
  none.set('name', 'fn');
  none.set('foo', 'x');
  const { json } = await api.request('POST', '/v1/functions', { body: none });
  t.is(json.error, 'The form has no file "wasm", but the unknown field "foo"; send it as a file part.');
  const known = new FormData();
  known.set('name', new Blob(['from-a-file']), 'name.txt');
  known.set('file', new Blob(['x']), 'x');
  t.is((await api.request('POST', '/v1/storage/upload', { body: known })).json.name, 'from-a-file');
});

test('a boundary that names another content type is an ordinary boundary', async (t) => {
  const api = await aTenant(await engine());
  for (const boundary of ['json', 'octet-stream', 'urlencoded', 'json-octet-stream-urlencoded']) {
    const body = form(file(), END).toString().replaceAll('--b', `--${boundary}`);
    const stored = await upload(api, body, boundary);
    t.is(stored.status, 200, `${boundary}: ${stored.text}`);
    t.like(stored.json, { name: 'f', size: 1 });
    for (const other of ['{"file":"x"}', '{', 'null', 'file=x', '']) {
      const reply = await upload(api, other, boundary);
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
    const reply = await upload(api, body);
    t.is(reply.status, 400, `${what}: ${reply.text}`);
    t.is(reply.json.code, 'invalid_request', what);
    t.regex(reply.json.error, sentence, what);
  }
});
