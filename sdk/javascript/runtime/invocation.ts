// The event loop of one invocation, from its beginning to its end.
import { env } from './bindings.js';
import { context } from './context.js';
import { describe, exitCodeOf, summarize } from './errors.js';
import { callHandler, type Output } from './handler.js';
import { exit, log, monotonic, printError, setOutput } from './host.js';
import * as http from './http.js';
import { reportUnhandled } from './rejections.js';
import { clearTimers, fireNext, nextDue } from './timers.js';

/**
 * For how long timers that are always due may keep the answers of requests waiting, in
 * milliseconds: an interval may be shorter than what it does. Each look is a host call.
 */
const LOOK_AFTER_MS = 50;

type End = { output: Output } | { error: unknown };
let end: End | null = null;
/** Before the first invocation, the top level of the bundle is waiting. */
let waiting = 'The top level';
/** When the answers were last looked for (monotonic time). */
let lookedAt = 0;

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
  const { body, head } = end.output;
  // Only now: the response of an invocation that fails is the engine's.
  if (head !== null) http.reply(head.status, head.headers);
  setOutput(body);
  return true;
}

/** Waits for the next timer or request; false if there is none. */
function waitForNext(): boolean {
  const due = nextDue();
  const now = monotonic();
  const fires = due !== null && due <= now && now - lookedAt < LOOK_AFTER_MS;
  if (fires || !http.isWaiting()) return fireNext();
  http.settleNext(due);
  lookedAt = monotonic();
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
