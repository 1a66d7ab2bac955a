import { type FunctionName, type Namespace, type RequestId, requestIdSchema } from '../contract/ids.js';
import { AppError } from '../errors.js';
import type { Meter } from '../ports/meter.js';
import type { InvocationQueue } from '../ports/queue.js';
import type { AttemptRow, Store } from '../ports/store.js';
import { uuidOf } from '../uuid.js';
import { type Audit, auditEntry } from './audit.js';
import type { Actor } from './auth/principal.js';
import { assertFunction } from './auth/rights.js';
import type { Catalog } from './catalog.js';
import { jobOf } from './job.js';

const BATCH = 100;

export interface ReplayOptions {
  /** Default: the version that was pinned. */
  version: 'pinned' | 'newest';
  /** Of what asks for it, where that is a function; at least the depth that the dead one had. */
  depth?: number;
}

/** Dead letters: run again or thrown away. */
export interface DeadLetters {
  /** Throws `not_found`, or `conflict` when it is not dead. */
  replay(by: Actor, namespace: Namespace, id: RequestId, options: ReplayOptions): Promise<RequestId>;
  /** Every dead one of a function; returns how many. */
  replayAll(by: Actor, namespace: Namespace, fn: FunctionName, options: ReplayOptions): Promise<number>;
  purge(by: Actor, namespace: Namespace, fn: FunctionName): Promise<number>;
}

export interface DeadLettersDeps {
  store: Store;
  audit: Audit;
  queue: InvocationQueue;
  catalog: Catalog;
  meter: Meter;
  resultTtlMs: number;
}

export function createDeadLetters({
  store,
  audit,
  queue,
  catalog,
  meter,
  resultTtlMs,
}: DeadLettersDeps): DeadLetters {
  /**
   * The job first, the mark after. A crash between the two leaves a dead letter whose replay is on the queue already;
   * replaying it again finds that job by its id, which is made from the dead one's.
   */
  const replayRow = async (
    row: AttemptRow,
    { version, depth = 0 }: ReplayOptions,
  ): Promise<RequestId | null> => {
    const fn = await catalog.resolve(
      row.namespace,
      row.function,
      version === 'newest' ? undefined : row.version,
    );
    const id = requestIdSchema.parse(
      uuidOf(row.final?.completedAt ?? row.startedAt, `replay:${row.requestId}:${row.attempt}`),
    );
    await queue.add([
      jobOf(fn, {
        id,
        trigger: 'replay',
        triggerDepth: Math.max(row.triggerDepth, depth),
        callerWallet: row.final?.callerWallet ?? '',
        input: row.final?.input ?? new Uint8Array(),
        acceptedAt: Date.now(),
        resultTtlMs,
      }),
    ]);
    meter.accepted('replay', 1);
    return (await store.attempts.takeDead(row.requestId)) ? id : null;
  };

  return {
    async replay(by, namespace, id, options) {
      const stored = await store.attempts.invocation(id);
      const last = stored?.attempts.at(-1);
      if (last?.namespace !== namespace) {
        throw new AppError('not_found', `There is no invocation ${id} in namespace "${namespace}".`);
      }
      assertFunction(by.principal, 'invoke', last.function);
      if (last.final?.state !== 'dead') {
        throw new AppError(
          'conflict',
          `The invocation ${id} is not dead, and only dead ones can be replayed.`,
        );
      }
      const replayed = await replayRow(last, options);
      if (!replayed) throw new AppError('conflict', `The invocation ${id} was replayed already.`);
      await audit.record(by, 'invocation.replay', id, namespace);
      return replayed;
    },

    async replayAll(by, namespace, fn, options) {
      await catalog.resolve(namespace, fn);
      // Before the first of them runs: a replay that is cut short has taken place, too.
      await audit.record(by, 'dead_letters.replay', fn, namespace);
      // Those that die of the replay are not replayed by it again, for ever.
      const before = Date.now();
      let count = 0;
      for (;;) {
        const filter = { namespace, function: fn, state: 'dead' as const, before };
        const page = await store.attempts.list({ ...filter, limit: BATCH });
        if (page.items.length === 0) return count;
        for (const { attempts } of page.items) {
          const [listed] = attempts;
          // A list leaves the input out, and a replay is nothing without it.
          const stored = listed && (await store.attempts.invocation(listed.requestId));
          const last = stored?.attempts.at(-1);
          if (last?.final?.state === 'dead' && (await replayRow(last, options))) count += 1;
        }
      }
    },

    async purge(by, namespace, fn) {
      return store.attempts.purgeDead(namespace, fn, auditEntry(by, 'dead_letters.purge', fn, namespace));
    },
  };
}
