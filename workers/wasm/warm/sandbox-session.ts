import type { LogLevel } from '../../../src/contract/invocation.js';
import type { Session } from '../run/session.js';

/** What can be told from outside of a trial run, in order: lines it logged, host calls it made. */
export type Trace = string[];

/**
 * A session with nothing of the world in it: time moves a microsecond per look, sleeping takes none, host calls are noted and
 * come to nothing. For snapshots and for probes, which must have no effect and be the same twice. `seed` makes the random bytes.
 */
export function sandboxSession(
  name: string,
  input: Uint8Array,
  seed: number,
): { session: Session; trace: Trace } {
  const trace: Trace = [];
  const text = new TextDecoder();
  const began = BigInt(Date.now()) * 1_000_000n;
  let ticks = process.hrtime.bigint();
  const origin = ticks;
  const tick = () => {
    ticks += 1000n;
    return ticks;
  };
  const random = generator(seed);
  const note = (level: LogLevel, line: Uint8Array | string) => {
    trace.push(`${level}: ${typeof line === 'string' ? line : text.decode(line)}`);
  };
  const session: Session = {
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
        ticks += BigInt(Math.round(milliseconds * 1e6));
      },
    },
    clock: { realtime: () => began + (tick() - origin), monotonic: tick },
    random,
  };
  return { session, trace };
}

/** xorshift32: other bytes for another seed is all that is asked of it. */
function generator(seed: number): (bytes: Uint8Array) => void {
  let state = seed | 1;
  return (bytes) => {
    for (let at = 0; at < bytes.length; at++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      bytes[at] = state >>> 11;
    }
  };
}
