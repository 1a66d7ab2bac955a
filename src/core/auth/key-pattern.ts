import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { RE2JS } from 're2js';
import { AppError, messageOf } from '../../errors.js';
import type { KeyFilter } from '../../ports/cache.js';
import { estimatedSize } from './pattern-size.js';

/** Maximum time before yielding to the event loop. */
const SLICE_MS = 5;
/**
 * Total time per scan, not counting the time of other processes on a busy machine. An ordinary
 * pattern takes about 10 ms for 10,000 keys.
 */
const BUDGET_MS = 1000;
/**
 * Instructions of a compiled pattern. The time is checked between keys, and matching one key takes
 * time in proportion to them: with 1,000, the worst pattern found takes 25 ms for a key of 512
 * characters, 46 ms for the first one; with 50,000 it takes 350 ms.
 */
const MAX_INSTRUCTIONS = 600;
/**
 * Compiling this many takes 10 ms. Above the limit of instructions, since an estimate may be too
 * high.
 */
const MAX_ESTIMATE = 4000;

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
    let slice = startSlice();
    for (const key of keys) {
      if (compiled.test(keyOf(key))) found.push(key);
      if (performance.now() - slice.startedAt < SLICE_MS) continue;
      spent += busyMs(slice);
      if (spent > budgetMs) throw tooSlow(pattern, budgetMs);
      await setImmediate();
      slice = startSlice();
    }
    spent += busyMs(slice);
    if (spent > budgetMs) throw tooSlow(pattern, budgetMs);
    return found;
  };
}

interface Slice {
  startedAt: number;
  cpu: NodeJS.CpuUsage;
}

function startSlice(): Slice {
  return { startedAt: performance.now(), cpu: process.cpuUsage() };
}

/** Returns the time that this process can have spent on the slice, in milliseconds. */
function busyMs({ startedAt, cpu }: Slice): number {
  const { user, system } = process.cpuUsage(cpu);
  return Math.min(performance.now() - startedAt, (user + system) / 1000);
}

function compile(pattern: string): RE2JS {
  if (estimatedSize(pattern) > MAX_ESTIMATE) throw tooLarge();
  const compiled = parse(pattern);
  if (compiled.programSize() > MAX_INSTRUCTIONS) throw tooLarge();
  return compiled;
}

function parse(pattern: string): RE2JS {
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

function tooLarge(): AppError {
  return new AppError(
    'invalid_request',
    `match compiles to more than ${MAX_INSTRUCTIONS} instructions, since {n} repeats what it follows n times; use smaller counts, * or +.`,
  );
}

function tooSlow(pattern: string, budgetMs: number): AppError {
  return new AppError(
    'invalid_request',
    `match ${JSON.stringify(pattern.slice(0, 80))} takes more than ${budgetMs} ms over the keys of the cache; use a simpler one, or a prefix.`,
  );
}
