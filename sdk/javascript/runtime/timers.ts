import { monotonic, sleep } from './host.js';
import { uncaught } from './rejections.js';
import { TimerHeap } from './timer-heap.js';

const MAX_DELAY_MS = 2 ** 31 - 1;
const timers = new TimerHeap();
let lastId = 0;

function start(callback: unknown, delay: unknown, args: unknown[], repeats: boolean): number {
  if (typeof callback !== 'function') {
    throw new TypeError(`setTimeout takes a function, not ${typeof callback}`);
  }
  const number = Number(delay ?? 0);
  const wait = number >= 1 && number <= MAX_DELAY_MS ? number : 1;
  const id = ++lastId;
  const fire = () => void callback(...args);
  timers.add({ id, due: monotonic() + wait, interval: repeats ? wait : null, fire });
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
  timers.remove(Number(id));
}

/** Returns when the next timer is due (monotonic time); null if there is none. */
export function nextDue(): number | null {
  return timers.first()?.due ?? null;
}

/** Waits until the first timer is due and fires it; false if there is none. */
export function fireNext(): boolean {
  const timer = timers.first();
  if (timer === null) return false;
  const wait = timer.due - monotonic();
  if (wait > 0) sleep(wait);
  timers.remove(timer.id);
  if (timer.interval !== null) {
    timer.due = Math.max(timer.due + timer.interval, monotonic());
    timers.add(timer);
  }
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
