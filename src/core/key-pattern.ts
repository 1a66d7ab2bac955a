import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { RE2JS } from 're2js';
import { AppError, messageOf } from '../errors.js';
import type { KeyFilter } from '../ports/cache.js';

/** Maximum time before yielding to the event loop. */
const SLICE_MS = 5;
/**
 * Total time per scan. An ordinary pattern takes about 10 ms for 10,000 keys; the worst one found
 * takes 5 ms for a key of 512 characters.
 */
const BUDGET_MS = 1000;

/**
 * Creates a key filter from a regular expression in RE2 syntax, as used by Olric, which matches in
 * linear time. Some patterns are slow nevertheless, hence the time budget. `keyOf` returns the part
 * of a key that is matched.
 */
export function keyFilter(pattern: string, keyOf: (key: string) => string, budgetMs = BUDGET_MS): KeyFilter {
  const compiled = compile(pattern);
  let spent = 0;
  return async (keys) => {
    const found: string[] = [];
    let began = performance.now();
    for (const key of keys) {
      if (compiled.test(keyOf(key))) found.push(key);
      const took = performance.now() - began;
      if (took < SLICE_MS) continue;
      spent += took;
      if (spent > budgetMs) throw tooSlow(pattern, budgetMs);
      await setImmediate();
      began = performance.now();
    }
    spent += performance.now() - began;
    if (spent > budgetMs) throw tooSlow(pattern, budgetMs);
    return found;
  };
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (cause) {
    const reason = messageOf(cause).replace(/^error parsing regexp: /, '');
    throw new AppError(
      'invalid_request',
      `match is no regular expression of RE2: ${reason}; it has no look-around and no back-references.`,
      { cause },
    );
  }
}

function tooSlow(pattern: string, budgetMs: number): AppError {
  return new AppError(
    'invalid_request',
    `match ${JSON.stringify(pattern.slice(0, 80))} takes more than ${budgetMs} ms over the keys of the cache; use a simpler one, or a prefix.`,
  );
}
