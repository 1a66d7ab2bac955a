import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestId } from '../contract/ids.js';
import type { AttemptStatus } from '../contract/invocation.js';
import type { Bus } from '../ports/bus.js';
import type { Closable } from '../ports/closable.js';
import type { Store } from '../ports/store.js';
import { attemptsUpTo } from './new-attempt.js';
import { isRefusal } from './refusal.js';

/** A worker that has no word from the gateway after this long takes it that nobody waits. */
const ACK_MS = 1000;
/**
 * When a waiter looks into the store in case its reply was lost: first after `first` ms, then less
 * and less often.
 */
const LOOKUPS = { wait: { first: 5000, most: 5000 }, watch: { first: 50, most: 2000 } } as const;
/** After a gap the end may be on its way to the store. */
const AFTER_GAP_MS = 250;
/**
 * When a reply is sent again that the bus would not take: the gateway may be back on it before this
 * process is, and misses nothing then.
 */
const SEND_AGAIN_MS = [50, 100, 200, 400, 800, 1600];

/** The end of an invocation as its caller hears it. */
export interface Reply {
  status: AttemptStatus | 'cancelled';
  output: Uint8Array;
  error: string | null;
  durationMs: number;
  attempts: number;
  version: number;
  /** No fault of the function: a part it needs is away, and the call may be made again. */
  code?: 'unavailable' | undefined;
  /** True when the function refused its input (exit code 64–78). */
  refused?: boolean | undefined;
  /**
   * What the function set with `http_respond`, as JSON text; `null` in it for what was not valid.
   */
  response?: string | undefined;
}

export interface Waiting {
  reply: Promise<Reply>;
  /** The client is gone: whoever replies is told that nobody waits. */
  abandon(): void;
}

/**
 * The way back from the worker to the HTTP request that waits. Within one process a reply is a
 * function call; between processes it goes over the bus, each process having a channel of its own.
 */
export interface Replies extends Closable {
  /** This process's address: what `replyTo` of its invocations says. */
  readonly address: string;
  /** For an invocation whose `replyTo` is this process. */
  wait(id: RequestId): Waiting;
  /**
   * For an invocation that somebody else, perhaps in another process, has sent: its end is looked
   * up in the store.
   */
  watch(id: RequestId): Waiting;
  /**
   * True when somebody was there to take it. Without `confirm` the answer of another process is not
   * awaited.
   */
  send(replyTo: string, id: RequestId, reply: Reply, options: { confirm: boolean }): Promise<boolean>;
}

/**
 * Messages between our own processes: only `send` writes them, so that they are believed as they
 * are.
 */
type WireReply = Omit<Reply, 'output'> & {
  id: string;
  /** Who wants to hear whether anybody was there. */
  from?: string | undefined;
  /** Base64. */
  output: string;
};
type WireAck = { id: string; taken: boolean };

interface Waiter {
  resolve(reply: Reply): void;
  /** Looks into the store now, and soon again: the end may be on its way there. */
  lookUp(): void;
  stop(): void;
}

export async function createReplies(options: { address: string; bus: Bus; store: Store }): Promise<Replies> {
  const { address, bus, store } = options;
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
      refused: isRefusal(last.exitCode),
    };
  };

  const startWaiting = (id: RequestId, lookups: { first: number; most: number }): Waiting => {
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
    const lookLater = () => {
      clearTimeout(timer);
      timer = setTimeout(look, delay).unref();
      delay = Math.min(delay * 2, lookups.most);
    };
    const look = async () => {
      const found = await findReply(id);
      if (found) waiter.resolve(found);
      else if (waiters.get(id)?.has(waiter)) lookLater();
    };
    const waiter: Waiter = {
      stop,
      resolve(found) {
        stop();
        settle(found);
      },
      lookUp() {
        delay = AFTER_GAP_MS;
        void look();
      },
    };
    lookLater();
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

  // Replies sent while the connection was broken are lost; the store then knows how it ended.
  const stopGaps = bus.onGap(() => {
    for (const waiting of waiters.values()) for (const waiter of waiting) waiter.lookUp();
  });

  const askTaken = (id: string): Promise<boolean> =>
    new Promise((resolve) => {
      const done = (taken: boolean) => {
        clearTimeout(timeout);
        unconfirmed.delete(id);
        resolve(taken);
      };
      const timeout = setTimeout(() => done(false), ACK_MS);
      unconfirmed.set(id, done);
    });

  /** Until it is sent, or too late: then the gateway finds the end in the store at last. */
  const sendAgain = async (channel: string, message: string, isLate: () => boolean): Promise<void> => {
    for (const ms of SEND_AGAIN_MS) {
      await sleep(ms, undefined, { ref: false });
      if (closed || isLate()) return;
      try {
        await bus.publish(channel, message);
        return;
      } catch {
        // Away still.
      }
    }
  };

  return {
    address,
    wait: (id) => startWaiting(id, LOOKUPS.wait),
    watch: (id) => startWaiting(id, LOOKUPS.watch),
    async send(replyTo, id, reply, { confirm }) {
      if (replyTo === address) return deliver(id, reply);
      const channel = `reply:${replyTo}`;
      const message = JSON.stringify(toWire(id, reply, confirm ? address : undefined));
      const taken = confirm ? askTaken(id) : undefined;
      try {
        await bus.publish(channel, message);
      } catch {
        // Once it counts as unheard, what comes of that must not be told otherwise.
        void sendAgain(channel, message, () => confirm && !unconfirmed.has(id));
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

// Field by field: what rest and spread make is slow to make and to read, and this is done for every
// call.
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
