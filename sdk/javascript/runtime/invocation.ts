// The event loop of one invocation, from its beginning to its end.
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
/** Before the first invocation, the top level of the bundle is waiting. */
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

/**
 * Called when no job is left: waits for the next event. Returns true if the invocation has ended or
 * can never end.
 */
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

/** Waits for the next timer or request; false if there is none. */
function waitForNext(): boolean {
  const due = nextDue();
  if (!http.isWaiting() || (due !== null && due <= monotonic())) return fireNext();
  http.settleNext(due);
  return true;
}

/**
 * The log gets the stack. The last line of stderr, which becomes the error of the invocation, gets
 * the position.
 */
export function fail(error: unknown): never {
  reportUnhandled(error);
  log('error', describe(error));
  printError(`${summarize(error)}\n`);
  exit(exitCodeOf(error));
  throw error;
}
