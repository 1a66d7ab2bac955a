import { setTimeout as sleep } from 'node:timers/promises';
import type { Namespace, RequestId } from '../contract/ids.js';
import type { AttemptStatus } from '../contract/invocation.js';
import type { Bus } from '../ports/bus.js';
import type { Closable } from '../ports/closable.js';
import type { Store } from '../ports/store.js';
import { isFinalExitCode } from './final-exit-code.js';
import { attemptsUpTo } from './new-attempt.js';

/**
 * If a gateway has not acknowledged a reply within this time, the worker assumes that no caller is
 * waiting.
 */
const ACK_MS = 1000;
/**
 * Delays after which a waiting call looks into the store in case its reply was lost: `first`, then
 * doubled up to `most`.
 */
const LOOKUPS = { wait: { first: 5000, most: 5000 }, watch: { first: 50, most: 2000 } } as const;
/** Delay of a lookup after a gap, since the end may not be in the store yet. */
const AFTER_GAP_MS = 250;
/**
 * Delays of retries when the bus has refused a reply. The gateway may reconnect before this process
 * and would then not notice a gap.
 */
const RESEND_DELAYS_MS = [50, 100, 200, 400, 800, 1600];

export type RefusalCode = 'unavailable' | 'quota_exceeded';

/** The result of an invocation as returned to its caller. */
export interface Reply {
  status: AttemptStatus | 'cancelled';
  output: Uint8Array;
  error: string | null;
  durationMs: number;
  attempts: number;
  version: number;
  /**
   * The call did not run, because a dependency is unreachable or the namespace has reached a quota,
   * and may be retried.
   */
  code?: RefusalCode | undefined;
  /** True if the function refused its input (exit code 64–78). */
  refused?: boolean | undefined;
  /** The response set with `http_respond`, as JSON text; `null` inside if it was invalid. */
  response?: string | undefined;
}

export interface PendingReply {
  reply: Promise<Reply>;
  /**
   * Stops waiting because the client has disconnected; the worker is told that no caller is
   * waiting.
   */
  abandon(): void;
}

/**
 * Delivers replies from workers to waiting HTTP requests: within one process by a function call,
 * between processes over the bus, with one channel per process.
 */
export interface Replies extends Closable {
  /** Address of this process, used as `replyTo` of its invocations. */
  readonly address: string;
  /** Waits for an invocation of the namespace whose `replyTo` is this process. */
  wait(namespace: Namespace, id: RequestId): PendingReply;
  /**
   * Waits for an invocation that another call, perhaps in another process, has sent, by polling the
   * store.
   */
  watch(id: RequestId): PendingReply;
  /**
   * Sends a reply. Resolves with whether a caller was waiting for it. Without `confirm`, the
   * acknowledgement of another process is not awaited.
   */
  send(replyTo: string, id: RequestId, reply: Reply, options: { confirm: boolean }): Promise<boolean>;
}

/**
 * Messages between processes of the installation. They are written only by `send` and hence not
 * validated.
 */
type WireReply = Omit<Reply, 'output'> & {
  id: string;
  /** Address for the acknowledgement, if one is requested. */
  from?: string | undefined;
  /** Base64. */
  output: string;
};
type WireAck = { id: string; taken: boolean };

interface Waiter {
  resolve(reply: Reply): void;
  /** Looks into the store now and again soon, in case the end is not there yet. */
  lookUpSoon(): void;
  stop(): void;
}

export interface RepliesOptions {
  address: string;
  bus: Bus;
  store: Store;
  /**
   * Ends an invocation of a waiting call if its job was removed from the queue with another tool;
   * see `endRemoved`.
   */
  endIfRemoved?(namespace: Namespace, id: RequestId): Promise<void>;
}

export async function createReplies(options: RepliesOptions): Promise<Replies> {
  const { address, bus, store, endIfRemoved } = options;
  const waiters = new Map<string, Set<Waiter>>();
  const unconfirmed = new Map<string, (taken: boolean) => void>();
  let closed = false;

  const deliver = (id: string, reply: Reply): boolean => {
    const waiting = waiters.get(id);
    if (!waiting) return false;
    for (const waiter of waiting) waiter.resolve(reply);
    return true;
  };

  const findReply = async (id: RequestId): Promise<Reply | null> => {
    const stored = await store.attempts.invocation(id).catch(() => null);
    const last = stored?.attempts.at(-1);
    if (!last?.final) return null;
    return {
      status: last.final.state === 'cancelled' ? 'cancelled' : last.status,
      output: last.final.output ?? new Uint8Array(),
      error: last.error,
      durationMs: last.durationMs,
      attempts: attemptsUpTo(last.attempt),
      version: last.version,
      refused: isFinalExitCode(last.exitCode),
    };
  };

  const startWaiting = (
    id: RequestId,
    lookups: { first: number; most: number },
    endIfLost: () => Promise<void>,
  ): PendingReply => {
    let settle: (reply: Reply) => void = () => undefined;
    const reply = new Promise<Reply>((resolve) => {
      settle = resolve;
    });
    const stop = () => {
      clearTimeout(timer);
      const waiting = waiters.get(id);
      waiting?.delete(waiter);
      if (waiting?.size === 0) waiters.delete(id);
    };
    let delay: number = lookups.first;
    let timer: NodeJS.Timeout | undefined;
    const scheduleLookup = () => {
      clearTimeout(timer);
      timer = setTimeout(lookUpReply, delay).unref();
      delay = Math.min(delay * 2, lookups.most);
    };
    const lookUpReply = async () => {
      const found = await findReply(id);
      // Its end is a reply to this waiter. When the queue is away, the next lookup finds it.
      if (found === null) await endIfLost().catch(() => {});
      if (found) waiter.resolve(found);
      else if (waiters.get(id)?.has(waiter)) scheduleLookup();
    };
    const waiter: Waiter = {
      stop,
      resolve(found) {
        stop();
        settle(found);
      },
      lookUpSoon() {
        delay = AFTER_GAP_MS;
        void lookUpReply();
      },
    };
    scheduleLookup();
    const waiting = waiters.get(id);
    if (waiting) waiting.add(waiter);
    else waiters.set(id, new Set([waiter]));
    return { reply, abandon: stop };
  };

  const stopReplies = await bus.subscribe(`reply:${address}`, (message) => {
    const wire: WireReply = JSON.parse(message);
    const { id, from } = wire;
    const taken = deliver(id, fromWire(wire));
    if (from) void bus.publish(`ack:${from}`, JSON.stringify({ id, taken })).catch(() => undefined);
  });
  const stopAcks = await bus.subscribe(`ack:${address}`, (message) => {
    const { id, taken }: WireAck = JSON.parse(message);
    unconfirmed.get(id)?.(taken);
  });

  // Replies sent while the connection was down are lost, but the store has the results.
  const stopGaps = bus.onGap(() => {
    for (const waiting of waiters.values()) for (const waiter of waiting) waiter.lookUpSoon();
  });

  const awaitAck = (id: string): Promise<boolean> =>
    new Promise((resolve) => {
      const done = (taken: boolean) => {
        clearTimeout(timeout);
        unconfirmed.delete(id);
        resolve(taken);
      };
      const timeout = setTimeout(() => done(false), ACK_MS);
      unconfirmed.set(id, done);
    });

  /**
   * Retries until the reply is sent or `isLate` returns true; the gateway then finds the result in
   * the store.
   */
  const resend = async (channel: string, message: string, isLate: () => boolean): Promise<void> => {
    for (const ms of RESEND_DELAYS_MS) {
      await sleep(ms, undefined, { ref: false });
      if (closed || isLate()) return;
      try {
        await bus.publish(channel, message);
        return;
      } catch {
        // The bus is still unreachable.
      }
    }
  };

  return {
    address,
    wait: (namespace, id) => startWaiting(id, LOOKUPS.wait, async () => endIfRemoved?.(namespace, id)),
    watch: (id) => startWaiting(id, LOOKUPS.watch, async () => {}),
    async send(replyTo, id, reply, { confirm }) {
      if (replyTo === address) return deliver(id, reply);
      const channel = `reply:${replyTo}`;
      const message = JSON.stringify(toWire(id, reply, confirm ? address : undefined));
      const taken = confirm ? awaitAck(id) : undefined;
      try {
        await bus.publish(channel, message);
      } catch {
        // Stop once the reply has been reported as not received, so that it cannot be received
        // afterwards.
        void resend(channel, message, () => confirm && !unconfirmed.has(id));
        return taken ?? false;
      }
      return taken ?? true;
    },
    async close() {
      closed = true;
      for (const waiting of [...waiters.values()]) for (const waiter of waiting) waiter.stop();
      await stopGaps();
      await stopReplies();
      await stopAcks();
    },
  };
}

// Copied field by field: rest and spread produce objects that are slow to create and read, and this
// runs for every call.
function toWire(id: string, reply: Reply, from: string | undefined): WireReply {
  const { status, output, error, durationMs, attempts, version, code, refused, response } = reply;
  const bytes = Buffer.from(output.buffer, output.byteOffset, output.byteLength);
  const text = bytes.toString('base64');
  return { id, from, status, error, durationMs, attempts, version, code, refused, response, output: text };
}

function fromWire(wire: WireReply): Reply {
  const { status, error, durationMs, attempts, version, code, refused, response } = wire;
  const output = Buffer.from(wire.output, 'base64');
  return { status, output, error, durationMs, attempts, version, code, refused, response };
}
