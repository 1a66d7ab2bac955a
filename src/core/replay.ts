import { type FunctionName, type Namespace, type RequestId, requestIdSchema } from '../contract/ids.js';
import { AppError } from '../errors.js';
import type { Meter } from '../ports/meter.js';
import type { InvocationQueue } from '../ports/queue.js';
import type { AttemptRow, Store } from '../ports/store.js';
import { uuidOf } from '../uuid.js';
import type { Catalog } from './catalog.js';
import { assertInputSize } from './invoke.js';
import { jobOf } from './job.js';
import { newRequestId } from './request-id.js';

const BATCH = 100;

export interface ReplayOptions {
  /** Default: the version that was pinned. */
  version: 'pinned' | 'newest';
}

export interface ReplayOneOptions extends ReplayOptions {
  /** In place of the input it had; null for that. */
  input: Uint8Array | null;
}

/** Invocations that have ended run again; dead letters also thrown away. */
export interface DeadLetters {
  /**
   * Of any that has ended. Throws `not_found`, or `conflict` when it has not ended, when its input is kept no longer and none is
   * given, and when it was dead and has been replayed.
   */
  replay(namespace: Namespace, id: RequestId, options: ReplayOneOptions): Promise<RequestId>;
  /** Every dead one of a function; returns how many. */
  replayAll(namespace: Namespace, fn: FunctionName, options: ReplayOptions): Promise<number>;
  purge(namespace: Namespace, fn: FunctionName): Promise<number>;
}

export interface DeadLettersDeps {
  store: Store;
  queue: InvocationQueue;
  catalog: Catalog;
  meter: Meter;
  resultTtlMs: number;
}

export function createDeadLetters({
  store,
  queue,
  catalog,
  meter,
  resultTtlMs,
}: DeadLettersDeps): DeadLetters {
  const enqueue = async (
    row: AttemptRow,
    id: RequestId,
    input: Uint8Array,
    { version }: ReplayOptions,
  ): Promise<void> => {
    const fn = await catalog.resolve(
      row.namespace,
      row.function,
      version === 'newest' ? undefined : row.version,
    );
    const httpRequest = row.final?.httpRequest ?? undefined;
    await queue.add([
      jobOf(fn, {
        id,
        trigger: 'replay',
        triggerDepth: row.triggerDepth,
        callerWallet: row.final?.callerWallet ?? '',
        input,
        acceptedAt: Date.now(),
        resultTtlMs,
        parentId: row.requestId,
        ...(httpRequest === undefined ? {} : { httpRequest }),
      }),
    ]);
    meter.accepted('replay', 1);
  };

  /**
   * The job first, the mark after. A crash between the two leaves a dead letter whose replay is on the queue already;
   * replaying it again finds that job by its id, which is made from the dead one's.
   */
  const replayDead = async (
    row: AttemptRow,
    input: Uint8Array,
    options: ReplayOptions,
  ): Promise<RequestId | null> => {
    const id = requestIdSchema.parse(
      uuidOf(row.final?.completedAt ?? row.startedAt, `replay:${row.requestId}:${row.attempt}`),
    );
    await enqueue(row, id, input, options);
    return (await store.attempts.takeDead(row.requestId)) ? id : null;
  };

  return {
    async replay(namespace, id, { input: given, ...options }) {
      if (given !== null) assertInputSize(given.byteLength);
      const stored = await store.attempts.invocation(id);
      const last = stored?.attempts.at(-1);
      if (last === undefined || last.namespace !== namespace) {
        // Before its first attempt has ended the store knows nothing of it.
        const live = last === undefined ? await queue.get(id) : null;
        if (live?.invocation.namespace === namespace) throw notEnded(id);
        throw new AppError('not_found', `There is no invocation ${id} in namespace "${namespace}".`);
      }
      if (last.final === null) throw notEnded(id);
      if (last.final.replayedAt !== undefined) throw replayedAlready(id);
      const input = given ?? last.final.input;
      if (input === null) throw inputGone(last);
      if (last.final.state === 'dead') {
        const replayed = await replayDead(last, input, options);
        if (!replayed) throw replayedAlready(id);
        return replayed;
      }
      const again = newRequestId();
      await enqueue(last, again, input, options);
      return again;
    },

    async replayAll(namespace, fn, options) {
      await catalog.resolve(namespace, fn);
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
          if (last?.final?.state !== 'dead') continue;
          if (await replayDead(last, last.final.input ?? new Uint8Array(), options)) count += 1;
        }
      }
    },

    async purge(namespace, fn) {
      const count = await store.attempts.purgeDead(namespace, fn);
      if (count === 0) await catalog.assertKnown(namespace, fn);
      return count;
    },
  };
}

function notEnded(id: RequestId): AppError {
  return new AppError('conflict', `The invocation ${id} has not ended; it can be replayed when it has.`);
}

function replayedAlready(id: RequestId): AppError {
  return new AppError(
    'conflict',
    `The invocation ${id} was replayed already; list what it became with ?parent_id=${id}, and replay that.`,
  );
}

function inputGone({ requestId, inputSize }: AttemptRow): AppError {
  return new AppError(
    'conflict',
    `The input of invocation ${requestId} (${inputSize} bytes) is not kept any more, so that it cannot be replayed as it was; send one as "input" or "input_base64".`,
  );
}
