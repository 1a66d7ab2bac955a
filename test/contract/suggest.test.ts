import test from 'ava';
import { suggest } from '../../src/suggest.js';

test('the known word with the fewest differences is suggested, and none that differs too much', (t) => {
  t.is(suggest('Tiemout', ['time', 'timeout', 'timeouts']), 'timeout');
  t.is(suggest('n', ['name', 'namespace']), undefined);
  t.is(suggest('nme', ['namespace', 'name']), 'name');
  t.is(suggest('İ'.repeat(40), ['i'.repeat(40)]), undefined);
});

test('a word of a megabyte, which is like none, is compared with none', (t) => {
  const known = Array.from({ length: 100 }, (_, index) => `setting_number_${index}`);
  const start = performance.now();
  t.is(suggest('k'.repeat(1_000_000), known), undefined);
  t.true(performance.now() - start < 1000);
});
