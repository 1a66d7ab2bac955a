import { createCipheriv, hash, randomBytes } from 'node:crypto';
import type { LogLevel } from '../../../src/contract/invocation.js';
import { MAX_LOG_BYTES, MAX_LOG_LINE_BYTES, MAX_LOG_LINES } from '../../../src/contract/limits.js';
import type { GuestSession, HostValue } from '../run/session.js';

/**
 * The observable effects of a sandboxed run, in order: lines that it logged and host calls that it
 * made, as far as the limits of a log allow. Each character is one byte.
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
/** Longer arguments of host calls are recorded by their hash. */
const MAX_ARG_BYTES = 1024;

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
  let bytesLeft = MAX_LOG_BYTES;
  const record = (what: string, bytes: Uint8Array) => {
    const kept = bytes.subarray(0, bytesLeft);
    bytesLeft -= kept.length;
    trace.push(`${what}${latin1(kept)}`);
  };
  let logged = 0;
  let elapsed = 0n;
  const tick = () => {
    elapsed += TICK_NS;
    return elapsed;
  };
  const log = (level: LogLevel, bytes: Uint8Array) => {
    if (++logged > MAX_LOG_LINES || bytesLeft === 0) return;
    record(`${level}: `, bytes);
  };
  const session: GuestSession = {
    name,
    requestId: '00000000-0000-7000-8000-000000000000',
    callerWallet: '',
    env: {},
    httpRequest: '',
    response: null,
    input,
    log: {
      line: (level, text) => log(level, bytesOf(text).subarray(0, MAX_LOG_LINE_BYTES)),
      print: log,
      finish: () => {},
    },
    bridge: {
      call: (called, args) => {
        record(`${called} `, Buffer.from(args.map(shortened).join(), 'latin1'));
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

const latin1 = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

const bytesOf = (value: string | Uint8Array) => (typeof value === 'string' ? Buffer.from(value) : value);

function shortened(arg: HostValue): string {
  if (typeof arg === 'bigint') return String(arg);
  if (arg.length > MAX_ARG_BYTES) return hash('sha256', arg, 'base64');
  return latin1(bytesOf(arg));
}

/** The key stream of AES-256 in counter mode. */
function randomStream(key: Uint8Array): (bytes: Uint8Array) => void {
  const cipher = createCipheriv('aes-256-ctr', key, new Uint8Array(16));
  return (bytes) => {
    bytes.set(cipher.update(new Uint8Array(bytes.length)));
  };
}
