import type { GuestMemory } from '../wasm/run/memory.js';
import { ERRNO } from './errno.js';

const SUBSCRIPTION_BYTES = 48;
const EVENT_BYTES = 32;
/**
 * A guest has three descriptors and its timers; the bound keeps a wild count from filling the
 * thread's heap.
 */
const MAX_SUBSCRIPTIONS = 4096;
const CLOCK = 0;
const FD_READ = 1;
const FD_WRITE = 2;
const ABSOLUTE = 1;
const HANGUP = 1;

export interface PollHost {
  memory: GuestMemory;
  /** null for a clock that does not exist. */
  now(clock: number): bigint | null;
  /** Bytes that can be read or written at once; null when the descriptor is not open for that. */
  ready(descriptor: number, direction: 'read' | 'write'): number | null;
  sleep(milliseconds: number): void;
}

interface Subscription {
  userdata: bigint;
  type: number;
  /** Nanoseconds from now; 0 = has happened. */
  wait: bigint;
  errno: number;
  bytes: number;
  hangup: boolean;
}

/**
 * poll_oneoff with any mix of subscriptions. Descriptors of a function are always ready (input is
 * all there, output never blocks), so it sleeps only when nothing but timers is asked for, and then
 * until the first of them.
 */
export function pollOneoff(
  host: PollHost,
  input: number,
  output: number,
  count: number,
  stored: number,
): number {
  const total = count >>> 0;
  if (total === 0 || total > MAX_SUBSCRIPTIONS) return ERRNO.inval;
  // All are read before an event is written: a guest may let the two arrays overlap.
  const subscriptions = Array.from({ length: total }, (_, index) =>
    read(host, (input >>> 0) + index * SUBSCRIPTION_BYTES),
  );
  let first = subscriptions[0]?.wait ?? 0n;
  for (const { wait } of subscriptions) if (wait < first) first = wait;
  if (first > 0n) host.sleep(Number(first) / 1e6);

  let events = 0;
  for (const subscription of subscriptions) {
    if (subscription.wait > first) continue;
    write(host.memory, (output >>> 0) + events * EVENT_BYTES, subscription);
    events++;
  }
  host.memory.setU32(stored, events);
  return ERRNO.success;
}

function read(host: PollHost, at: number): Subscription {
  const { view } = host.memory;
  const subscription: Subscription = {
    userdata: view.getBigUint64(at, true),
    type: view.getUint8(at + 8),
    wait: 0n,
    errno: ERRNO.success,
    bytes: 0,
    hangup: false,
  };
  if (subscription.type === CLOCK) {
    const now = host.now(view.getUint32(at + 16, true));
    const timeout = view.getBigUint64(at + 24, true);
    const absolute = (view.getUint16(at + 40, true) & ABSOLUTE) !== 0;
    if (now === null) subscription.errno = ERRNO.inval;
    else if (!absolute) subscription.wait = timeout;
    else if (timeout > now) subscription.wait = timeout - now;
  } else if (subscription.type === FD_READ || subscription.type === FD_WRITE) {
    const direction = subscription.type === FD_READ ? 'read' : 'write';
    const bytes = host.ready(view.getUint32(at + 16, true), direction);
    if (bytes === null) subscription.errno = ERRNO.badf;
    else subscription.bytes = bytes;
    subscription.hangup = direction === 'read' && bytes === 0;
  } else subscription.errno = ERRNO.inval;
  return subscription;
}

function write(memory: GuestMemory, at: number, event: Subscription): void {
  const view = new DataView(new ArrayBuffer(EVENT_BYTES));
  view.setBigUint64(0, event.userdata, true);
  view.setUint16(8, event.errno, true);
  view.setUint8(10, event.type);
  view.setBigUint64(16, BigInt(event.bytes), true);
  view.setUint16(24, event.hangup ? HANGUP : 0, true);
  memory.write(at, new Uint8Array(view.buffer));
}
