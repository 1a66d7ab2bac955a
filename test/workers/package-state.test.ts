import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { WarmStart } from '../../src/contract/function.js';
import type { FunctionName } from '../../src/contract/ids.js';
import { openEngine } from '../../workers/engine/engine.js';
import { inspectSettings, runText } from '../helpers/engine.js';
import { guest } from '../helpers/guests.js';

const engine = openEngine({ threads: 1, parked: 1 });
test.after.always(() => engine.close());

const RUNS = 6;

/**
 * The start strategy of a program with one kind of state, and whether its output equals that of a
 * new instance or differs each time.
 */
const KINDS: readonly [kind: string, warmStart: WarmStart, output: 'same' | 'unique'][] = [
  ['rand-v2', 'fresh', 'unique'],
  ['rand', 'fresh', 'unique'],
  ['rand-local', 'fresh', 'unique'],
  ['pcg', 'fresh', 'unique'],
  ['chacha8', 'fresh', 'unique'],
  ['pcg-constant', 'go-command', 'same'],
  ['maphash', 'fresh', 'unique'],
  ['map-order', 'fresh', 'unique'],
  ['map-range', 'go-command', 'unique'],
  ['map', 'go-command', 'same'],
  ['sync-map', 'go-command', 'same'],
  ['crypto', 'go-command', 'unique'],
  ['time', 'go-command', 'same'],
  ['after-func', 'go-command', 'same'],
  ['timer', 'go-command', 'same'],
  ['ticker', 'go-command', 'same'],
  ['deadline', 'go-command', 'same'],
  ['goroutine', 'go-command', 'same'],
  ['goroutine-done', 'go-command', 'same'],
  ['channel', 'go-command', 'same'],
  ['select', 'fresh', 'unique'],
  ['once', 'go-command', 'same'],
  ['pool', 'go-command', 'same'],
  ['finalizer', 'go-command', 'same'],
  ['garbage', 'go-command', 'same'],
  ['random-reader', 'go-command', 'unique'],
];

for (const [kind, warmStart, output] of KINDS) {
  test(`package-level state (${kind}) starts as ${warmStart} and behaves as in a new instance`, async (t) => {
    const wasm = await guest('package-state.go');
    const functionName = kind as FunctionName;
    const report = await engine.inspect(wasm, inspectSettings(wasm, { name: functionName }));
    t.is(report.warmStart, warmStart, report.note);
    const run = (how: WarmStart, input = '') =>
      runText(engine, wasm, input, { functionName, warmStart: how });
    const expected = await run('fresh');
    t.is(expected.error, null);
    const seen = [expected.output];
    for (let index = 0; index < RUNS; index++) {
      const { output: actual, error } = await run(report.warmStart);
      t.is(error, null);
      seen.push(actual);
    }
    // For map-range a few orders may repeat, as an iteration begins at one of sixteen positions.
    if (output === 'same') t.is(new Set(seen).size, 1, seen.join());
    else if (kind === 'map-range') t.true(new Set(seen).size > 2, seen.join());
    else t.is(new Set(seen).size, seen.length, seen.join());
  });
}

for (const kind of ['after-func', 'timer', 'ticker', 'deadline']) {
  test(`a package-level ${kind} counts its delay from the start of each invocation`, async (t) => {
    const wasm = await guest('package-state.go');
    const functionName = kind as FunctionName;
    await engine.inspect(wasm, inspectSettings(wasm, { name: functionName }));
    const run = (input: string) => runText(engine, wasm, input, { functionName, warmStart: 'go-command' });
    // Longer than the 2,500 ms to which the timer is set.
    await delay(2600);
    for (const [input, expected] of [
      ['', 'false'],
      ['wait', 'true'],
      ['', 'false'],
    ] as const) {
      t.is((await run(input)).output, expected);
    }
  });
}

test('an http.Client at package level has no cookies or counts of earlier invocations', async (t) => {
  const wasm = await guest('package-client.go');
  const about = inspectSettings(wasm, { name: 'client' as FunctionName });
  const { warmStart, note } = await engine.inspect(wasm, about);
  t.is(warmStart, 'go-command', note);
  for (let run = 0; run < 3; run++) {
    const { output, error } = await runText(engine, wasm, '', { functionName: about.name, warmStart });
    t.is(error, null);
    t.is(output, '1 requests, 0 cookies; 2 requests, 1 cookies; ');
  }
});
