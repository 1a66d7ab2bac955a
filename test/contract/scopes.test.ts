import test from 'ava';
import { functionGlobSchema, globMatches } from '../../src/contract/scopes.js';

test('a pattern matches whole names, and * matches any substring', (t) => {
  const matching = [
    ['hook', 'hook'],
    ['*', ''],
    ['*', 'anything'],
    ['hook-*', 'hook-'],
    ['hook-*', 'hook-a-b'],
    ['*-hook', 'a-hook'],
    ['a*b*c', 'abc'],
    ['a*b*c', 'a1b2b3c'],
    ['a**b', 'ab'],
    ['*a*a*', 'aa'],
  ] as const;
  const others = [
    ['hook', 'hook2'],
    ['hook', 'Hook'],
    ['hook-*', 'hook'],
    ['hook-*', 'my-hook-a'],
    ['a*a', 'a'],
    ['ab*bc', 'abc'],
    ['a*b*c', 'acb'],
    ['*a*a*', 'a'],
  ] as const;
  for (const [pattern, name] of matching) t.true(globMatches(pattern, name), `${pattern} ${name}`);
  for (const [pattern, name] of others) t.false(globMatches(pattern, name), `${pattern} ${name}`);
});

test('a pattern matches another pattern only if it matches every name that the other one matches', (t) => {
  const names = [
    '',
    'a',
    'b',
    'aa',
    'ab',
    'ba',
    'aab',
    'aba',
    'abab',
    'bab',
    'x',
    'ax',
    'xb',
    'axb',
    'axxb',
    'xx',
  ];
  const patterns = ['*', 'a*', '*a', '*b', 'a*b', 'ab', 'a*a', '*a*', '*ab*', 'a*b*', '**'];
  for (const wide of patterns) {
    for (const narrow of patterns) {
      const isCovered = names.every((name) => !globMatches(narrow, name) || globMatches(wide, name));
      t.is(globMatches(wide, narrow), isCovered, `${wide} ${narrow}`);
    }
  }
});

test('a pattern may contain only the characters of names and *', (t) => {
  for (const wrong of ['', '?', '[a-z]', 'a b', 'a/b', 'ü', 'a'.repeat(65), 3]) {
    t.false(functionGlobSchema.safeParse(wrong).success, String(wrong));
  }
});
