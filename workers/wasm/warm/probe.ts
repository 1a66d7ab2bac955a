import type { Guest } from '../run/guest.js';
import type { FreshProgram, Program, Runner } from '../run/program.js';
import { createRunner } from '../run/runner.js';
import { GuestFailure, type GuestSession } from '../run/session.js';
import { randomConditions, sandboxSession } from './sandbox-session.js';

/**
 * Typical inputs of functions: empty, JSON of several shapes, an event, invalid JSON, a long one.
 */
const INPUTS: readonly string[] = [
  '',
  '{}',
  '{"name":"probe","value":7,"items":[1,2,3]}',
  '{"topic":"probe:one","data":{"id":1},"namespace":"probe","trigger_depth":1,"timestamp":1708972800}',
  'not JSON',
  JSON.stringify({ text: 'long '.repeat(2000) }),
];
const RUNS = 3;
/**
 * A digit that is equal by chance in three runs is common, in twelve runs it is not: an apparent
 * difference is checked again with more runs.
 */
const RUNS_IN_DOUBT = 12;
const SHOWN = 40;

/**
 * Compares a warm program with the fresh one. Where fresh runs agree, warm runs must give identical
 * results; where fresh runs differ (random numbers, the order of maps), warm runs must differ in
 * the same places. Warm runs alternate between a new instance, a restored one, and one restored
 * after a run that was ended early. Returns a description of the difference, or null.
 */
export function differenceOf(fresh: FreshProgram, warm: Program, guest: Guest, name: string): string | null {
  const expectedRunner = createRunner(fresh, guest, { keeps: false });
  for (const input of INPUTS) {
    const expected: string[] = [];
    const actual: string[] = [];
    let runner = createRunner(warm, guest);
    const runUpTo = (runs: number) => {
      while (expected.length < runs) {
        expected.push(observe(guest, expectedRunner, name, input));
        if (actual.length % RUNS === 0) runner = createRunner(warm, guest);
        if (actual.length % RUNS === 2) endEarly(guest, runner, name);
        actual.push(observe(guest, runner, name, input));
      }
      return sameVariation(expected, actual);
    };
    if (runUpTo(RUNS) || runUpTo(RUNS_IN_DOUBT)) continue;
    const shown = input.length > SHOWN ? `${input.slice(0, SHOWN)}…` : input;
    return `its result for the input '${shown}' is not that of a fresh start`;
  }
  return null;
}

/** Returns everything observable of a run, as one text. */
function observe(guest: Guest, runner: Runner, name: string, input: string): string {
  const { session, trace } = sandboxSession(name, new TextEncoder().encode(input), randomConditions());
  guest.begin(runner.program, session);
  const { output, exitCode, error } = runner.run();
  runner.reset();
  // Not as JSON, which needs six characters for a zero byte: up to 24 of these texts are kept.
  return [exitCode, error, Buffer.from(output).toString('latin1'), ...trace].join('\n');
}

/** Runs a guest that is ended when it reads its input, like a guest that traps. */
function endEarly(guest: Guest, runner: Runner, name: string): void {
  const { session } = sandboxSession(name, new Uint8Array(0), randomConditions());
  const ended: GuestSession = {
    ...session,
    get input(): Uint8Array {
      throw new GuestFailure('ended early');
    },
  };
  guest.begin(runner.program, ended);
  runner.run();
  runner.reset();
}

/**
 * Returns whether both groups agree in every position that does not vary, and vary in the same
 * positions.
 */
function sameVariation(expected: readonly string[], actual: readonly string[]): boolean {
  const [first = '', ...rest] = expected;
  const [warmFirst = '', ...warmRest] = actual;
  const sameLength = [...expected, ...actual].every((text) => text.length === first.length);
  // When fresh results differ in length from run to run, warm results can only be required to
  // differ as well.
  if (!sameLength) return new Set(expected).size > 1 && new Set(actual).size > 1;
  for (let at = 0; at < first.length; at++) {
    const varies = rest.some((text) => text[at] !== first[at]);
    const warmVaries = warmRest.some((text) => text[at] !== warmFirst[at]);
    if (varies !== warmVaries) return false;
    if (!varies && first[at] !== warmFirst[at]) return false;
  }
  return true;
}
