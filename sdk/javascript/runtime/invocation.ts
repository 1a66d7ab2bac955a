// One invocation from begin to end, and what is waited for in between.
import { env } from './bindings.js';
import { context } from './context.js';
import { describe, exitCodeOf, summarize } from './errors.js';
import { callHandler } from './handler.js';
import { type Bytes, exit, log, monotonic, printError, setOutput } from './host.js';
import * as http from './http.js';
import { reportUnhandled } from './rejections.js';
import { clearTimers, fireNext, nextDue } from './timers.js';

type End = { output: Bytes } | { error: unknown };
let end: End | null = null;
/** Before the first invocation begins, it is the top level of the bundle that waits. */
let waiting = 'The top level';

export function begin(): void {
  end = null;
  waiting = 'The handler';
  callHandler(env, context)
    .then(async (output) => {
      await context.settled();
      end = { output };
    })
    .catch((error: unknown) => {
      end = { error };
    });
}

/** Called when no job is left: waits for what comes next. True when the invocation has ended, or will never. */
export function turn(): boolean {
  if (end === null && waitForNext()) return false;
  http.abandon();
  clearTimers();
  if (end === null) {
    end = { error: new Error(`${waiting} waits for a promise that nothing is left to settle`) };
  }
  if ('error' in end) fail(end.error);
  reportUnhandled(undefined);
  setOutput(end.output);
  return true;
}

/** The first of timers and requests; false when there is none. */
function waitForNext(): boolean {
  const due = nextDue();
  if (!http.isWaiting() || (due !== null && due <= monotonic())) return fireNext();
  http.settleNext(due);
  return true;
}

/** The log has the stack, and the last line of stderr, which is the error of the invocation, the place. */
export function fail(error: unknown): never {
  reportUnhandled(error);
  log('error', describe(error));
  printError(`${summarize(error)}\n`);
  exit(exitCodeOf(error));
  throw error;
}
