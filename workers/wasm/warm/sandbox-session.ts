import { createCipheriv, randomBytes } from 'node:crypto';
import type { LogLevel } from '../../../src/contract/invocation.js';
import type { GuestSession } from '../run/session.js';

/**
 * The observable effects of a sandboxed run, in order: lines that it logged and host calls that it
 * made.
 */
export type Effects = string[];

/** The conditions that differ between invocations, as a sandboxed guest gets them. */
export interface Conditions {
  /** The seed of the random bytes; 32 bytes. */
  key: Uint8Array;
  /** The initial values of the clocks, in nanoseconds. */
  realtime: bigint;
  monotonic: bigint;
}

const TICK_NS = 1000n;

/** Returns unpredictable random bytes and the current time as conditions. */
export function randomConditions(): Conditions {
  return {
    key: randomBytes(32),
    realtime: BigInt(Date.now()) * 1_000_000n,
    monotonic: process.hrtime.bigint(),
  };
}

export interface Sandbox {
  session: GuestSession;
  trace: Effects;
  /** Returns the last reading of the monotonic clock. */
  lastTick(): bigint;
}

/**
 * Creates a session without effects: the clocks advance by a microsecond per reading, sleeps return
 * immediately, host calls are recorded and return nothing. Snapshots and probes depend on the run
 * being fully determined by the conditions.
 */
export function sandboxSession(name: string, input: Uint8Array, conditions: Conditions): Sandbox {
  const trace: Effects = [];
  const text = new TextDecoder();
  let elapsed = 0n;
  const tick = () => {
    elapsed += TICK_NS;
    return elapsed;
  };
  const note = (level: LogLevel, line: Uint8Array | string) => {
    trace.push(`${level}: ${typeof line === 'string' ? line : text.decode(line)}`);
  };
  const session: GuestSession = {
    name,
    requestId: '00000000-0000-7000-8000-000000000000',
    callerWallet: '',
    env: {},
    httpRequest: '',
    response: null,
    input,
    log: { line: note, print: note, finish: () => {} },
    bridge: {
      call: (called, args) => {
        trace.push(
          `${called}(${args.map((arg) => (arg instanceof Uint8Array ? text.decode(arg) : arg)).join()})`,
        );
        return { ok: true, value: 0n, data: null };
      },
      sleep: (milliseconds) => {
        elapsed += BigInt(Math.round(milliseconds * 1e6));
      },
    },
    clock: {
      realtime: () => conditions.realtime + tick(),
      monotonic: () => conditions.monotonic + tick(),
    },
    random: randomStream(conditions.key),
  };
  return { session, trace, lastTick: () => conditions.monotonic + elapsed };
}

/** The key stream of AES-256 in counter mode. */
function randomStream(key: Uint8Array): (bytes: Uint8Array) => void {
  const cipher = createCipheriv('aes-256-ctr', key, new Uint8Array(16));
  return (bytes) => {
    bytes.set(cipher.update(new Uint8Array(bytes.length)));
  };
}
