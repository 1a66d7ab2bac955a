import test from 'ava';
import { keyFilter } from '../../src/core/key-pattern.js';

/** The states of it are more than an automaton keeps. */
const SLOW = '(?:(?:.?){9}){9}$';
const whole = (key: string) => key;

test('a pattern that takes a backtracking engine for ever is linear here', async (t) => {
  const keys = Array.from({ length: 2000 }, (_, at) => `${'a'.repeat(500)}${at}`);
  for (const pattern of ['(a+)+$', '(a|a)*b', '(a*)*b$', '^(([a-z])+.)+[A-Z]([a-z])+$']) {
    const filter = keyFilter(pattern, whole);
    t.deepEqual(await filter(keys), [], pattern);
  }
});

test('others have their turn while a slow pattern is at work, and it has a budget over all its calls', async (t) => {
  const keys = Array.from({ length: 20_000 }, (_, at) => `${at}-${'a'.repeat(500)}`);
  const filter = keyFilter(SLOW, whole, 200);
  let turns = 0;
  const take = () => {
    turns += 1;
    immediate = setImmediate(take);
  };
  let immediate = setImmediate(take);
  const error = await t.throwsAsync(filter(keys), { code: 'invalid_request' });
  clearImmediate(immediate);
  t.regex(error?.message ?? '', /takes more than 200 ms/);
  t.true(turns >= 2, `${turns} turns`);

  const again = keyFilter(SLOW, whole, 200);
  const inParts = async () => {
    for (let at = 0; at < keys.length; at += 3) await again(keys.slice(at, at + 3));
  };
  await t.throwsAsync(inParts(), { code: 'invalid_request' });
});
