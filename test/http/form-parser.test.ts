import test from 'ava';
import fc from 'fast-check';
import { MB } from '../../src/contract/limits.js';
import { createFormParser, type Upload } from '../../src/http/request/form-parser.js';

/** The parser is given blocks of this size. */
const BLOCK_BYTES = 64 << 10;
const BOUNDARY = 'bound';
const FORM = { file: 'file', fields: ['name'], maxFileBytes: MB };

function encode(name: string, content: Buffer, end = `\r\n--${BOUNDARY}--\r\n`): Buffer {
  return Buffer.concat([
    Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="name"\r\n\r\n${name}\r\n`),
    Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n`),
    content,
    Buffer.from(end),
  ]);
}

function parse(body: Buffer, cuts: readonly number[]): Upload {
  const parser = createFormParser(`multipart/form-data; boundary=${BOUNDARY}`, FORM);
  let from = 0;
  for (const cut of [...cuts, body.byteLength]) {
    parser.write(body.subarray(from, cut));
    from = cut;
  }
  return parser.end();
}

/** Content that resembles the boundary; the boundary itself is left out. */
const content = fc
  .array(fc.constantFrom('\r', '\n', '\r\n', '-', '--', '\r\n--', '\r\n--boun', 'bound', 'x', '\0', '\xff'))
  .map((parts) => parts.join('').replaceAll(`\r\n--${BOUNDARY}`, ''))
  .filter((text) => !text.includes(`\r\n--${BOUNDARY}`));

test('content is returned as it was sent, whatever it resembles and however it is cut', (t) => {
  fc.assert(
    fc.property(content, fc.array(fc.nat(400), { maxLength: 20 }), (text, offsets) => {
      const bytes = Buffer.from(text, 'latin1');
      const body = encode('größe', bytes);
      const cuts = offsets.filter((cut) => cut < body.byteLength).sort((a, b) => a - b);
      const { file, fields } = parse(body, cuts);
      return Buffer.from(file.bytes).equals(bytes) && fields.name === 'größe' && file.filename === 'f';
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('a boundary may be cut anywhere by the end of a block', (t) => {
  const head = encode('n', Buffer.alloc(0), '').byteLength;
  for (let before = -40; before <= 4; before++) {
    const bytes = Buffer.alloc(BLOCK_BYTES - head + before, '\r\n--boun');
    // An epilogue that fills more blocks.
    const body = Buffer.concat([encode('n', bytes), Buffer.alloc(2 * BLOCK_BYTES, '-')]);
    const { file } = parse(body, []);
    t.true(Buffer.from(file.bytes).equals(bytes), String(before));
  }
});

test('a form that is cut off anywhere before the end of its final boundary is refused', (t) => {
  const body = encode('n', Buffer.from('content'), `\r\n--${BOUNDARY}--`);
  for (let length = 0; length < body.byteLength; length++) {
    t.throws(() => parse(body.subarray(0, length), []), { code: 'invalid_request' }, String(length));
  }
  t.is(parse(body, []).file.bytes.byteLength, 7);
});

test('input in chunks of one byte takes no more memory than its size and a block', (t) => {
  const parser = createFormParser(`multipart/form-data; boundary=${BOUNDARY}`, FORM);
  const body = encode('n', Buffer.alloc(MB, '\r'));
  const before = process.memoryUsage();
  for (let at = 0; at < body.byteLength; at++) parser.write(body.subarray(at, at + 1));
  const after = process.memoryUsage();
  t.true(after.arrayBuffers - before.arrayBuffers < 2 * MB);
  t.is(parser.end().file.bytes.byteLength, MB);
});

test('a file, the fields and the number of fields have limits that may be reached', (t) => {
  const form = (file: number, ...fields: number[]) =>
    Buffer.concat([
      ...fields.map((size, n) =>
        Buffer.from(
          `--${BOUNDARY}\r\nContent-Disposition: form-data; name="f${n}"\r\n\r\n${'x'.repeat(size)}\r\n`,
        ),
      ),
      encode('', Buffer.alloc(file)),
    ]);
  t.is(parse(form(MB, MB), []).file.bytes.byteLength, MB);
  t.is(Object.keys(parse(form(0, ...Array(49).fill(1)), []).fields).length, 50);
  for (const body of [form(MB + 1), form(0, MB + 1), form(0, MB, 1), form(0, ...Array(50).fill(1))]) {
    const error = t.throws(() => parse(body, []), { code: 'payload_too_large' });
    t.regex(error?.message ?? '', /a file may have 1 MB .* 50 fields with 1 MB/);
  }
});
