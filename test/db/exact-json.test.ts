import test from 'ava';
import fc from 'fast-check';
import { parseExact, stringifyExact } from '../../src/json/exact-json.js';
import { isSimple } from '../../src/json/json-strings.js';
import { fastestMs } from '../helpers/waits.js';

test('integers beyond the safe range of a number are parsed and written exactly', (t) => {
  const text = '{"a":[9007199254740993,-9223372036854775808,9007199254740991,1,1.5]}';
  t.deepEqual(parseExact(text), {
    a: [9007199254740993n, -9223372036854775808n, 9007199254740991, 1, 1.5],
  });
  t.is(stringifyExact(parseExact(text)), text);
});

test('other values are parsed and written like standard JSON, and invalid JSON is rejected', (t) => {
  for (const text of [
    '"9007199254740993"',
    JSON.stringify({ a: '12345678901234567890 " 12345678901234567890' }),
    '[1.2345678901234567,1e+22,true,null,"\\n"]',
    '{"__proto__":1234567890123456789,"b":{"__proto__":1}}',
  ]) {
    t.is(stringifyExact(parseExact(text)), text);
  }
  t.is(JSON.stringify(parseExact('{"a":1234567890123456,"a":2}')), '{"a":2}');
  t.throws(() => parseExact('[12345678901234567890'));
  t.throws(() => parseExact('[01234567890123456789]'));
});

test('a number in the place of a key, or beside another value, is no JSON, whatever its size', (t) => {
  for (const text of [
    '{12345678901234567:1}',
    '["a"12345678901234567]',
    '[1 12345678901234567]',
    '[+12345678901234567]',
  ]) {
    t.throws(() => parseExact(text), { instanceOf: SyntaxError }, text);
  }
});

test('texts with quotes, backslashes and digits stay what they are', (t) => {
  const text = fc.string({ unit: fc.constantFrom('"', '\\', '1234567890123456789', 'a', '\n', '世') });
  const value = fc.array(
    fc.oneof(text, fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), fc.dictionary(text, text)),
  );
  fc.assert(
    fc.property(value, (given) => {
      const exact = given.map((one) =>
        typeof one === 'bigint' && BigInt(Number(one)) === one && Number.isSafeInteger(Number(one))
          ? Number(one)
          : one,
      );
      t.deepEqual(
        parseExact(stringifyExact(given)),
        exact.map((one) => (typeof one === 'object' ? { ...one } : one)),
      );
    }),
  );
});

test('what takes long to parse is seen before it is parsed', (t) => {
  const most = 1 << 20;
  const list = (element: string, count: number) =>
    `[${Array.from({ length: count }, () => element).join(',')}]`;
  for (const [text, expected] of [
    [`["${'x'.repeat(16 << 20)}"]`, true],
    [list('12345678901234567', 32_766), true],
    [`["${'\\\\'.repeat(most)}"]`, true],
    [list('1', most), false],
    [list('""', most), false],
    [`["${'\\"'.repeat(2 * most)}"]`, false],
    [`[${'1'.repeat(4 << 20)}]`, false],
  ] as const) {
    t.is(isSimple(text, most), expected, text.slice(0, 9));
    const took = fastestMs(() => isSimple(text, most));
    const parsing = fastestMs(() => JSON.parse(text));
    t.true(took < 10 * parsing, `${text.slice(0, 9)}: ${took} ms, and ${parsing} ms to parse it`);
  }
  // More digits than any database has are a number, of whatever size.
  t.deepEqual(parseExact(`[${'1'.repeat(most)}]`), [Number.POSITIVE_INFINITY]);
});
