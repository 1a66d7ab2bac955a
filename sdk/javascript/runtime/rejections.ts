import { describe } from './errors.js';
import { log } from './host.js';

/** Rejected promises without a handler, with their reasons. */
const unhandled = new Map<Promise<unknown>, unknown>();

export function rejected(promise: Promise<unknown>, reason: unknown, handled: boolean | undefined): void {
  if (handled === true) unhandled.delete(promise);
  else unhandled.set(promise, reason);
}

/** Logs an error that no promise and no caller receives: in a timer or a microtask. */
export function uncaught(error: unknown): void {
  log('error', describe(error));
}

/** Logs unhandled rejections at the end, except for the error that ends the invocation anyway. */
export function reportUnhandled(except: unknown): void {
  for (const reason of unhandled.values()) {
    if (reason !== except) log('error', `Unhandled promise rejection: ${describe(reason)}`);
  }
  unhandled.clear();
}
