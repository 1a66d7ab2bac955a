import { type FunctionName, type Namespace, type RequestId, requestIdSchema } from '../contract/ids.js';
import { coversFunction, type Rights } from '../contract/scopes.js';
import { AppError } from '../errors.js';
import type { Meter } from '../ports/meter.js';
import type { InvocationQueue } from '../ports/queue.js';
import type { AttemptRow, DeadGroup } from '../ports/store/attempts.js';
import type { Store } from '../ports/store.js';
import { uuidOf } from '../uuid.js';
import { type Audit, auditEntry } from './audit.js';
import type { Actor } from './auth/principal.js';
import { assertFunction } from './auth/rights.js';
import type { Catalog } from './catalog.js';
import { freshCache } from './fresh-cache.js';
import { assertInputSize } from './invoke.js';
import { jobOf } from './job.js';
import { newRequestId } from './request-id.js';

const BATCH = 100;

export interface ReplayOptions {
  /** Default: `pinned`, the version of the original invocation. */
  version: 'pinned' | 'newest' | number;
  /**
   * Depth of the function that requests the replay, if any. The replay's depth is at least that of
   * the original invocation.
   */
  depth?: number;
}

/** Selects dead letters of a function; default: all. */
export interface DeadFilter {
  /** Only invocations with this reason. */
  reason?: string;
  /** Only these ids. */
  ids?: readonly RequestId[];
}

export type ReplayAllOptions = ReplayOptions & DeadFilter;

export interface ReplayOneOptions extends ReplayOptions {
  /**
   * Input of the replay; null for the original input. With an input of its own, the caller of the
   * replay is the one who requests it: the original caller has never sent this input.
   */
  input: Uint8Array | null;
}

/** Replays ended invocations and purges dead letters. */
export interface DeadLetters {
  /**
   * Replays any ended invocation and resolves with the new id. Throws `not_found`, or `conflict` if
   * it has not ended, if its input has expired and none is given, or if it was dead and has already
   * been replayed.
   */
  replay(by: Actor, namespace: Namespace, id: RequestId, options: ReplayOneOptions): Promise<RequestId>;
  /** Replays the selected dead letters of a function. Resolves with their number. */
  replayAll(by: Actor, namespace: Namespace, fn: FunctionName, options: ReplayAllOptions): Promise<number>;
  purge(by: Actor, namespace: Namespace, fn: FunctionName, filter: DeadFilter): Promise<number>;
  /**
   * Counts dead letters by function and reason, largest count first; only functions that these
   * rights cover.
   */
  groups(namespace: Namespace, rights: Rights): Promise<DeadGroup[]>;
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
  const counted = freshCache<DeadGroup[]>();
  const enqueue = async (
    row: AttemptRow,
    id: RequestId,
    { input, callerWallet }: Sent,
    { version, depth = 0 }: ReplayOptions,
  ): Promise<void> => {
    const fn = await catalog.resolve(row.namespace, row.function, versionToRun(row, version));
    const httpRequest = row.final?.httpRequest ?? undefined;
    await queue.add([
      jobOf(fn, {
        id,
        trigger: 'replay',
        triggerDepth: Math.max(row.triggerDepth, depth),
        callerWallet,
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
   * Adds the job first and marks the dead letter afterwards. A crash in between leaves a dead
   * letter whose replay is already on the queue; replaying it again finds that job, since its id is
   * derived from the dead letter's.
   */
  const replayDead = async (
    row: AttemptRow,
    sent: Sent,
    options: ReplayOptions,
  ): Promise<RequestId | null> => {
    const id = requestIdSchema.parse(
      uuidOf(row.final?.completedAt ?? row.startedAt, `replay:${row.requestId}:${row.attempt}`),
    );
    await enqueue(row, id, sent, options);
    return (await store.attempts.takeDead(row.requestId)) ? id : null;
  };

  const replayEnded = async (row: AttemptRow, sent: Sent, options: ReplayOptions) => {
    const id = newRequestId();
    await enqueue(row, id, sent, options);
    return id;
  };

  return {
    async replay(by, namespace, id, { input: given, ...options }) {
      if (given !== null) assertInputSize(given.byteLength);
      const stored = await store.attempts.invocation(id);
      const last = stored?.attempts.at(-1);
      if (last === undefined || last.namespace !== namespace) {
        // The store does not know an invocation before the end of its first attempt.
        const live = last === undefined ? await queue.get(id) : null;
        if (live?.invocation.namespace === namespace) {
          assertFunction(by.principal, 'invoke', live.invocation.function);
          throw notEnded(id);
        }
        throw new AppError('not_found', `There is no invocation ${id} in namespace "${namespace}".`);
      }
      assertFunction(by.principal, 'invoke', last.function);
      if (last.final === null) throw notEnded(id);
      if (last.final.replayedAt !== undefined) throw replayedAlready(id);
      const input = given ?? last.final.input;
      if (input === null) throw inputGone(last);
      const sent = given === null ? asSent(last, input) : { input, callerWallet: by.principal.wallet };
      const again =
        last.final.state === 'dead'
          ? await replayDead(last, sent, options)
          : await replayEnded(last, sent, options);
      if (!again) throw replayedAlready(id);
      await audit.record(by, 'invocation.replay', id, namespace);
      return again;
    },

    async replayAll(by, namespace, fn, { reason, ids, ...options }) {
      await catalog.resolve(namespace, fn);
      // Recorded before the first replay, so that an interrupted operation is audited too.
      await audit.record(by, 'dead_letters.replay', fn, namespace);
      // Excludes invocations that die during this operation, which would otherwise be replayed
      // endlessly.
      const before = Date.now();
      const replayEach = async (chosen: readonly RequestId[]) => {
        let count = 0;
        for (const id of chosen) {
          // Listed invocations lack their input, so load the complete invocation.
          const last = (await store.attempts.invocation(id))?.attempts.at(-1);
          if (last?.namespace !== namespace || last.function !== fn || last.final?.state !== 'dead') continue;
          if (reason !== undefined && last.final.reason !== reason) continue;
          const sent = asSent(last, last.final.input ?? new Uint8Array());
          if (await replayDead(last, sent, options)) count += 1;
        }
        return count;
      };
      if (ids !== undefined) return replayEach(ids);
      let count = 0;
      for (;;) {
        const filter = {
          ...{ namespace, function: fn, state: 'dead' as const, before },
          ...(reason === undefined ? {} : { reason }),
        };
        const page = await store.attempts.list({ ...filter, limit: BATCH });
        if (page.items.length === 0) return count;
        count += await replayEach(page.items.flatMap(({ attempts: [first] }) => first?.requestId ?? []));
      }
    },

    async purge(by, namespace, fn, filter) {
      await catalog.assertKnown(namespace, fn);
      const audit = auditEntry(by, 'dead_letters.purge', fn, namespace);
      return store.attempts.purgeDead(namespace, fn, { audit, ...filter });
    },

    async groups(namespace, rights) {
      const all = (await counted.get(namespace, () => store.attempts.deadGroups(namespace))) ?? [];
      return all.filter((group) => coversFunction(rights, group.function));
    },
  };
}

/** The input of a replay, and the wallet of the caller who sent it. */
interface Sent {
  input: Uint8Array;
  callerWallet: string;
}

function asSent({ final }: AttemptRow, input: Uint8Array): Sent {
  return { input, callerWallet: final?.callerWallet ?? '' };
}

/** Undefined: the version that calls without a version use. */
function versionToRun(row: AttemptRow, version: ReplayOptions['version']): number | undefined {
  if (version === 'newest') return undefined;
  return version === 'pinned' ? row.version : version;
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
