import test from 'ava';
import { z } from 'zod';
import { parsePrefer } from '../../src/contract/http/invoke.js';
import { parseJson } from '../../src/http/request/parse-json.js';
import { textReader } from '../../src/http/request/read-text.js';
import { parseSince } from '../../src/http/request/since.js';
import { readCached, writeCached } from '../../src/http/response/cached-value.js';

const bytes = (text: string) => Buffer.from(text);

test('JSON nested over 100 levels is rejected; brackets in strings do not count', (t) => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  t.notThrows(() => parseJson(bytes(nested(100))));
  t.throws(() => parseJson(bytes(nested(101))), { code: 'invalid_request' });
  t.deepEqual(parseJson(bytes(JSON.stringify({ a: '['.repeat(5000), b: '\\"[[[' }))), {
    a: '['.repeat(5000),
    b: '\\"[[[',
  });
  t.throws(() => parseJson(bytes('['.repeat(1_000_000))), { code: 'invalid_request' });
});

test('members named __proto__ in JSON are dropped, also when the name is escaped', (t) => {
  const value = parseJson(bytes('{"a":{"__proto__":{"x":1}},"__proto__":{"y":1}}')) as Record<
    string,
    unknown
  >;
  t.deepEqual(Object.keys(value), ['a']);
  t.deepEqual(value.a, {});
  t.is(Object.getPrototypeOf(value), Object.prototype);
  t.deepEqual(parseJson(bytes('{"a":1,"\\u005f_proto\\u005F_":{"y":1}}')), { a: 1 });
});

test('query texts are converted to the types of their schema; an error repeats the text as sent', (t) => {
  const read = textReader(z.object({ n: z.number().int().min(1).optional(), b: z.boolean().optional() }));
  t.deepEqual(read({ n: '7', b: 'true', other: 'x' }), { n: 7, b: true });
  t.deepEqual(read({ b: '0' }), { b: false });
  t.throws(() => read({ n: 'seven' }), { message: /n .*"seven"/ });
  t.throws(() => read({ n: '0x10' }), { message: /"0x10"/ });
  t.throws(() => read({ b: 'maybe' }), { message: /b .*"maybe"/ });
  t.throws(() => read({ n: ['1', '2'] }), { message: /n was given more than once/ });
});

test('the Prefer header is parsed as in RFC 7240', (t) => {
  t.deepEqual(parsePrefer(undefined), { kind: 'final' });
  t.deepEqual(parsePrefer('respond-async'), { kind: 'async' });
  t.deepEqual(parsePrefer('Respond-Async; x=1'), { kind: 'async' });
  t.deepEqual(parsePrefer('wait=10'), { kind: 'wait', seconds: 10 });
  t.deepEqual(parsePrefer('respond-async, wait="5"'), { kind: 'wait', seconds: 5 });
  t.deepEqual(parsePrefer('wait=0'), { kind: 'async' });
  t.deepEqual(parsePrefer('return=minimal, wait=soon'), { kind: 'final' });
});

test('since accepts a timestamp, milliseconds or an age such as 15m', (t) => {
  const now = Date.parse('2026-01-02T00:00:00Z');
  t.is(parseSince('2026-01-01T00:00:00Z', now), Date.parse('2026-01-01T00:00:00Z'));
  t.is(parseSince('2026-01-01', now), Date.parse('2026-01-01T00:00:00Z'));
  t.is(parseSince('15m', now), now - 900_000);
  t.is(parseSince('1700000000000', now), 1_700_000_000_000);
});

test('a cached value keeps its exact JSON text, and strings are stored as plain text', (t) => {
  const kept = (source: string) => readCached(writeCached(JSON.parse(source), source)).text;
  for (const source of ['"text"', '""', '{"b":1.0,"a":1e400}', '[1,"x"]', '42', '9007199254740993', 'null']) {
    t.is(kept(source), source);
  }
  t.is(Buffer.from(writeCached('plain', '"plain"')).toString(), 'plain');
  t.is(readCached(bytes(' {"2":1, "1":2}\n')).text, '{"2":1, "1":2}');
  t.is(readCached(Uint8Array.from([0xff])).text, '{"$blob":"/w=="}');
  t.throws(() => writeCached(undefined, undefined), { code: 'invalid_request' });
});
