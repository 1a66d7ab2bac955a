import { createHash } from 'node:crypto';
import test from 'ava';
import { RE2JS } from 're2js';
import { keyFilter } from '../../src/core/auth/key-pattern.js';

/** For random keys of `a` and `b` it has more states than an automaton caches: 4 ms per key. */
const SLOW = 'a.{500}[cd]';
const SLOW_KEYS = Array.from({ length: 2000 }, (_, at) => `${text(at)}${at}`);
const whole = (key: string) => key;

test('patterns that cause catastrophic backtracking elsewhere are matched in linear time', async (t) => {
  const keys = Array.from({ length: 2000 }, (_, at) => `${'a'.repeat(500)}${at}`);
  for (const pattern of ['(a+)+$', '(a|a)*b', '(a*)*b$', '^(([a-z])+.)+[A-Z]([a-z])+$']) {
    const filter = keyFilter(pattern, whole);
    t.deepEqual(await filter(keys), [], pattern);
  }
});

test('a slow pattern does not block the event loop, and its time limit applies across calls', async (t) => {
  const filter = keyFilter(SLOW, whole, 200);
  let turns = 0;
  const take = () => {
    turns += 1;
    immediate = setImmediate(take);
  };
  let immediate = setImmediate(take);
  const error = await t.throwsAsync(filter(SLOW_KEYS), { code: 'invalid_request' });
  clearImmediate(immediate);
  t.regex(error?.message ?? '', /takes more than 200 ms/);
  t.true(turns >= 2, `${turns} turns`);

  const again = keyFilter(SLOW, whole, 200);
  const inParts = async () => {
    for (let at = 0; at < SLOW_KEYS.length; at += 3) await again(SLOW_KEYS.slice(at, at + 3));
  };
  await t.throwsAsync(inParts(), { code: 'invalid_request' });
});

test('a pattern whose repetitions make it large is refused before it is compiled', (t) => {
  const large = [
    `(?i)${'\\pL{1000}'.repeat(50)}`,
    '(?:\\pL?){1000}'.repeat(34),
    '(.{0,1000}){1}'.repeat(36),
    '(?:(?:[]a]b){30}c){30}',
    'a{20}(?i){900}',
    '\\pL{600}',
  ];
  const compiling = leastCpu(() => RE2JS.compile(large[0] ?? ''));
  for (const pattern of large) {
    t.throws(() => keyFilter(pattern, whole), {
      code: 'invalid_request',
      message: /more than 600 instructions/,
    });
    const refusing = leastCpu(() => t.throws(() => keyFilter(pattern, whole)));
    t.true(refusing < compiling / 5, `${pattern.slice(0, 20)}: ${refusing} of ${compiling} microseconds`);
  }
});

test('ordinary repetitions are allowed', async (t) => {
  const patterns: [pattern: string, key: string][] = [
    [
      '^(?:[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12})$',
      '01234567-89ab-cdef-0123-456789abcdef',
    ],
    ['^[a-zA-Z0-9_-]{1,64}:[^:]{1,128}$', 'user:one'],
    ['(?i)USER-\\pL{1,100}', 'user-é'],
    ['^\\d{1,3}(\\.\\d{1,3}){3}$', '192.0.2.1'],
    ['^.{0,256}$', 'x'],
  ];
  for (const [pattern, key] of patterns) t.deepEqual(await keyFilter(pattern, whole)([key]), [key], pattern);
});

/** Returns the least processor time of several runs, in microseconds. */
function leastCpu(work: () => unknown): number {
  const times = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    work();
    return process.cpuUsage(before).user;
  });
  return Math.min(...times);
}

/** Returns 500 letters `a` and `b`, derived from bits of hashes. */
function text(seed: number): string {
  const bytes = [0, 1].flatMap((part) => [...createHash('sha256').update(`${seed} ${part}`).digest()]);
  return bytes
    .flatMap((byte) => Array.from({ length: 8 }, (_, bit) => (byte & (1 << bit) ? 'a' : 'b')))
    .join('')
    .slice(0, 500);
}
