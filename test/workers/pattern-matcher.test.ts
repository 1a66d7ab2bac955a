import test from 'ava';
import { PatternMatcher } from '../../workers/delivery/pattern-matcher.js';

/** Returns deterministic numbers below `most`. */
function numbers(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * most);
  };
}

test('exactly the bytes of all occurrences of all patterns are covered, however they overlap', (t) => {
  const below = numbers(7);
  // Two byte values, of which one is 0, make most patterns parts of one another.
  const any = (length: number) => Buffer.from(Array.from({ length }, () => below(2) * 97));
  for (let round = 0; round < 500; round++) {
    const patterns = Array.from({ length: 1 + below(6) }, () => any(1 + below(7)));
    const text = any(below(60));
    const expected = new Uint8Array(text.length);
    for (const pattern of patterns) {
      for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + 1)) {
        expected.fill(1, at, at + pattern.length);
      }
    }
    const found = new Uint8Array(text.length);
    let end = 0;
    for (const { from, to, pattern } of new PatternMatcher(patterns).cover(text)) {
      t.true(from >= end && to > from);
      t.true(text.subarray(from, to).includes(patterns[pattern] ?? Buffer.of(1)));
      found.fill(1, from, to);
      end = to;
    }
    t.deepEqual(found, expected, `round ${round}`);
  }
});
