import type { Guest } from './guest.js';
import type { Program } from './program.js';
import { createRunner } from './runner.js';
import { type Trace, trialSession } from './trial.js';

/** Inputs of the kinds that functions get: nothing, JSON of several shapes, an event, no JSON, something longer. */
const INPUTS: readonly string[] = [
  '',
  '{}',
  '{"name":"probe","value":7,"items":[1,2,3]}',
  '{"topic":"probe:one","data":{"id":1},"namespace":"probe","trigger_depth":1,"timestamp":1708972800}',
  'not JSON',
  JSON.stringify({ text: 'long '.repeat(2000) }),
];
/** Runs per input and strategy. Enough to tell what changes from run to run from what does not. */
const RUNS = 4;

/** What a run came to, as one text. */
function observe(
  run: () => { output: Uint8Array; exitCode: number | null; error: string | null },
  trace: Trace,
): string {
  const { output, exitCode, error } = run();
  return JSON.stringify([exitCode, error, Buffer.from(output).toString('latin1'), trace]);
}

/**
 * Holds a warm program against the fresh one. Where fresh runs agree, warm ones must give the very same; where fresh runs differ
 * (random numbers, the order of maps), warm ones must differ in the same places. Returns what was different, or null.
 */
export function differs(fresh: Program, warm: Program, guest: Guest, name: string): string | null {
  const runners = [createRunner(fresh, guest), createRunner(warm, guest)] as const;
  for (const input of INPUTS) {
    const bytes = new TextEncoder().encode(input);
    const [expected, actual] = runners.map((runner, strategy) =>
      Array.from({ length: RUNS }, (_, index) => {
        const { session, trace } = trialSession(name, bytes, 1 + index * 7919 + strategy * 104_729);
        const seen = observe(() => runner.run(session), trace);
        runner.reset();
        return seen;
      }),
    ) as [string[], string[]];
    const shown = input.length > 40 ? `${input.slice(0, 40)}…` : input;
    if (!sameVariation(expected, actual))
      return `its result for the input '${shown}' is not that of a fresh start`;
  }
  return null;
}

/** True when both groups agree on every place that does not vary, and vary in the same places. */
function sameVariation(expected: readonly string[], actual: readonly string[]): boolean {
  const [first, ...rest] = expected;
  if (first === undefined) return true;
  const sameLength = [...expected, ...actual].every((text) => text.length === first.length);
  // Of results that differ in length from run to run, nothing more can be asked than that warm ones differ too.
  if (!sameLength) return new Set(expected).size > 1 && new Set(actual).size > 1;
  for (let at = 0; at < first.length; at++) {
    const varies = rest.some((text) => text[at] !== first[at]);
    const warmVaries = actual.some((text) => text[at] !== actual[0]?.[at]);
    if (varies ? !warmVaries : actual.some((text) => text[at] !== first[at])) return false;
  }
  return true;
}
