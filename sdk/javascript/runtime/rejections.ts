import { describe } from './errors.js';
import { log } from './host.js';

/** Promises that were rejected and that nobody handles, with why. */
const unhandled = new Map<Promise<unknown>, unknown>();

export function rejected(promise: Promise<unknown>, reason: unknown, handled: boolean | undefined): void {
  if (handled === true) unhandled.delete(promise);
  else unhandled.set(promise, reason);
}

/** An error thrown where no promise and no caller hears of it: in a timer, in a microtask. */
export function uncaught(error: unknown): void {
  log('error', describe(error));
}

/** Logs what nobody has handled by the end, but for the failure that ends the invocation anyway. */
export function reportUnhandled(except: unknown): void {
  for (const reason of unhandled.values()) {
    if (reason !== except) log('error', `Unhandled promise rejection: ${describe(reason)}`);
  }
  unhandled.clear();
}
