import { monotonic, sleep } from './host.js';
import { uncaught } from './rejections.js';

interface Timer {
  id: number;
  due: number;
  /** Null for a timer that fires once. */
  interval: number | null;
  fire(): void;
}

const MAX_DELAY_MS = 2 ** 31 - 1;
const timers = new Map<number, Timer>();
let lastId = 0;

function start(callback: unknown, delay: unknown, args: unknown[], repeats: boolean): number {
  if (typeof callback !== 'function') {
    throw new TypeError(`setTimeout takes a function, not ${typeof callback}`);
  }
  const number = Number(delay ?? 0);
  const wait = number >= 1 && number <= MAX_DELAY_MS ? number : 1;
  const id = ++lastId;
  const fire = () => void callback(...args);
  timers.set(id, { id, due: monotonic() + wait, interval: repeats ? wait : null, fire });
  return id;
}

export function setTimeout(callback: unknown, delay?: unknown, ...args: unknown[]): number {
  return start(callback, delay, args, false);
}

export function setInterval(callback: unknown, delay?: unknown, ...args: unknown[]): number {
  return start(callback, delay, args, true);
}

/** Clears a timer of either kind. Unknown ids are ignored. */
export function clearTimeout(id?: unknown): void {
  timers.delete(Number(id));
}

/** Returns when the next timer is due (monotonic time); null if there is none. */
export function nextDue(): number | null {
  return first()?.due ?? null;
}

/** Waits until the first timer is due and fires it; false if there is none. */
export function fireNext(): boolean {
  const timer = first();
  if (timer === null) return false;
  const wait = timer.due - monotonic();
  if (wait > 0) sleep(wait);
  if (timer.interval === null) timers.delete(timer.id);
  else timer.due = Math.max(timer.due + timer.interval, monotonic());
  try {
    timer.fire();
  } catch (error) {
    uncaught(error);
  }
  return true;
}

/** Drops pending timers at the end of the invocation. */
export function clearTimers(): void {
  timers.clear();
}

function first(): Timer | null {
  let next: Timer | null = null;
  for (const timer of timers.values()) if (next === null || timer.due < next.due) next = timer;
  return next;
}
