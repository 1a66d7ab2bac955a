import test from 'ava';
import * as fc from 'fast-check';
import { sourcesOf } from '../../src/http/request/json-source.js';

const DATA = ['data'];
const MESSAGES = ['messages', '*', 'data'];

test('sourcesOf returns the exact source text of a member, without surrounding white space', (t) => {
  const cut = (source: string) => sourcesOf(`{"topic":"a","data":${source},"more":[1]}`, DATA);
  const sources = [
    '9007199254740993',
    '1.0',
    '-0',
    '1e400',
    '"\\ud800 \\"}"',
    '{"2":1,"1":{"data":3}}',
    'null',
  ];
  for (const source of [...sources, '[ 1 ,\n2 ]', '{"__proto__":1}', '""', '[]', '{}', 'true']) {
    t.deepEqual(cut(source), [source]);
    t.deepEqual(cut(` \t\r\n${source} `), [source]);
  }
});

test('member names are unescaped and the last of several equal names counts, as in JSON.parse', (t) => {
  t.deepEqual(sourcesOf('{"d\\u0061ta":1.0}', DATA), ['1.0']);
  t.deepEqual(sourcesOf('{"data":1,"x":{"data":2},"data":3.0}', DATA), ['3.0']);
  t.deepEqual(sourcesOf('{"messages":[{"data":1}],"messages":[{"data":2},{}]}', MESSAGES), ['2', undefined]);
  t.deepEqual(sourcesOf('{"topic":"data"}', DATA), [undefined]);
});

test('sourcesOf returns one text per message of a batch, in order', (t) => {
  const body = '{"messages":[{"data":1.0},{"topic":"a"},{"data":[{"data":7}],"topic":"b"}],"namespace":"n"}';
  t.deepEqual(sourcesOf(body, MESSAGES), ['1.0', undefined, '[{"data":7}]']);
  t.deepEqual(sourcesOf('{"messages":[]}', MESSAGES), []);
  t.deepEqual(sourcesOf('{"messages":7}', MESSAGES), [undefined]);
  t.deepEqual(sourcesOf('[]', DATA), [undefined]);
});

test('sourcesOf returns the source text of a member from any generated JSON object', (t) => {
  const name = fc.oneof(fc.constantFrom('data', 'topic', 'messages', ''), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(fc.dictionary(name, fc.json()), fc.json(), (others, wanted) => {
      const members = Object.entries({ ...others, data: wanted });
      const body = `{${members.map(([key, source]) => `${JSON.stringify(key)} : ${source}`).join(' , ')}}`;
      JSON.parse(body);
      t.deepEqual(sourcesOf(body, DATA), [wanted]);
    }),
  );
});
