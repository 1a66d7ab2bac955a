import test from 'ava';
import { parseExact, stringifyExact } from '../../src/exact-json.js';

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
