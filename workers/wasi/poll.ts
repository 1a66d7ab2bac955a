import type { GuestMemory } from '../wasm/run/memory.js';
import { ERRNO } from './errno.js';

const SUBSCRIPTION_BYTES = 48;
const EVENT_BYTES = 32;
/**
 * A guest has three descriptors and its timers. The limit prevents an invalid count from filling
 * the thread's heap.
 */
const MAX_SUBSCRIPTIONS = 4096;
const CLOCK = 0;
const FD_READ = 1;
const FD_WRITE = 2;
const ABSOLUTE = 1;
const HANGUP = 1;

export interface PollHost {
  memory: GuestMemory;
  /** Returns the time of a clock in nanoseconds; null for an unknown clock. */
  now(clock: number): bigint | null;
  /**
   * Returns the number of bytes that can be read or written immediately; null when the descriptor
   * is not open for that direction.
   */
  ready(descriptor: number, direction: 'read' | 'write'): number | null;
  sleep(milliseconds: number): void;
}

interface Subscription {
  userdata: bigint;
  type: number;
  /** The time until the event in nanoseconds; 0: it has occurred. */
  wait: bigint;
  errno: number;
  bytes: number;
  hangup: boolean;
}

/**
 * `poll_oneoff` of WASI preview 1, with any combination of subscriptions. The descriptors of a
 * function are always ready (the input is complete, output never blocks), so the call sleeps only
 * when all subscriptions are timers, and then until the first of them expires.
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
  // All subscriptions are read before an event is written, because the two arrays may overlap.
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
