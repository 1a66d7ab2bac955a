import { hash } from 'node:crypto';
import type { FunctionName, Namespace, RequestId } from '../../contract/ids.js';
import { coversFunction, type Rights } from '../../contract/scopes.js';
import { AppError, isAppError } from '../../errors.js';
import type { Meter } from '../../ports/meter.js';
import type { InvocationQueue } from '../../ports/queue.js';
import type { AttemptRow, DeadGroup } from '../../ports/store/attempts.js';
import type { Store } from '../../ports/store.js';
import { auditEntry } from '../auth/audit.js';
import type { Actor } from '../auth/principal.js';
import { assertFunction } from '../auth/rights.js';
import { freshCache } from '../fresh-cache.js';
import type { Catalog } from '../functions/catalog.js';
import { createDerivedIds, type DerivedIds } from './derived-ids.js';
import { assertInputSize } from './invoke.js';
import { jobOf, newRequestId } from './job.js';

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

export interface DeadLettersDeps {
  store: Store;
  queue: InvocationQueue;
  catalog: Catalog;
  meter: Meter;
  resultTtlMs: number;
}

/** Replays ended invocations and purges dead letters. */
export class DeadLetters {
  readonly #deps: DeadLettersDeps;
  readonly #groups = freshCache<DeadGroup[]>();
  readonly #idOf: DerivedIds;

  constructor(deps: DeadLettersDeps) {
    this.#deps = deps;
    this.#idOf = createDerivedIds(deps.store.settings);
  }

  /**
   * Replays any ended invocation and resolves with the new id. Throws `not_found`, or `conflict` if
   * it has not ended, if its input has expired and none is given, or if it is dead and is replayed by
   * another request at the same time.
   */
  async replay(
    by: Actor,
    namespace: Namespace,
    id: RequestId,
    { input: given, ...options }: ReplayOneOptions,
  ): Promise<RequestId> {
    if (given !== null) assertInputSize(given.byteLength);
    const last = await this.#lastAttempt(by, namespace, id);
    if (last.final === null) throw notEnded(id);
    const input = given ?? last.final.input;
    if (input === null) throw inputGone(last);
    const sent =
      given === null
        ? replayInputOf(last, input)
        : { input, callerWallet: by.principal.wallet, replacesOriginal: true };
    const again =
      last.final.state === 'dead'
        ? await this.#replayDead(last, sent, options)
        : await this.#replayEnded(last, sent, options);
    if (!again) throw replayedMeanwhile(id);
    await this.#deps.store.audit.record(auditEntry(by, 'invocation.replay', id, namespace));
    return again;
  }

  /**
   * Replays the selected dead letters of a function, except those whose pinned version was deleted
   * and those whose input was lost. Resolves with the number of those replayed.
   */
  async replayAll(
    by: Actor,
    namespace: Namespace,
    fn: FunctionName,
    { reason, ids, ...options }: ReplayAllOptions,
  ): Promise<number> {
    const { catalog, store } = this.#deps;
    await catalog.resolve(namespace, fn);
    // Recorded before the first replay, so that an interrupted operation is audited too.
    await store.audit.record(auditEntry(by, 'dead_letters.replay', fn, namespace));
    const dead = { namespace, function: fn, ...(reason === undefined ? {} : { reason }) };
    if (ids !== undefined) return this.#replayEach(ids, dead, options);
    let count = 0;
    // The cursor passes what stays dead, and never reaches replays, which are newer.
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const from = cursor === undefined ? {} : { cursor };
      const page = await store.attempts.list({ ...dead, ...from, state: 'dead', limit: BATCH });
      const listed = page.items.flatMap(({ attempts: [first] }) => first?.requestId ?? []);
      count += await this.#replayEach(listed, dead, options);
      cursor = page.nextCursor;
    }
    return count;
  }

  async purge(by: Actor, namespace: Namespace, fn: FunctionName, filter: DeadFilter): Promise<number> {
    const { catalog, store } = this.#deps;
    await catalog.assertKnown(namespace, fn);
    const audit = auditEntry(by, 'dead_letters.purge', fn, namespace);
    return store.attempts.purgeDead(namespace, fn, { audit, ...filter });
  }

  /**
   * Counts dead letters by function and reason, largest count first; only functions that these
   * rights cover.
   */
  async groups(namespace: Namespace, rights: Rights): Promise<DeadGroup[]> {
    const load = () => this.#deps.store.attempts.deadGroups(namespace);
    const all = (await this.#groups.get(namespace, load)) ?? [];
    return all.filter((group) => coversFunction(rights, group.function));
  }

  /** Throws if there is no such invocation in the namespace, or if the actor may not invoke it. */
  async #lastAttempt(by: Actor, namespace: Namespace, id: RequestId): Promise<AttemptRow> {
    const { queue, store } = this.#deps;
    const last = (await store.attempts.invocation(id))?.attempts.at(-1);
    if (last?.namespace === namespace) {
      assertFunction(by.principal, 'invoke', last.function);
      return last;
    }
    // The store does not know an invocation before the end of its first attempt.
    const live = last === undefined ? await queue.get(id) : null;
    if (live?.invocation.namespace === namespace) {
      assertFunction(by.principal, 'invoke', live.invocation.function);
      throw notEnded(id);
    }
    throw new AppError('not_found', `There is no invocation ${id} in namespace "${namespace}".`);
  }

  /** Replays those that are dead letters of the function. Resolves with their number. */
  async #replayEach(
    ids: readonly RequestId[],
    { namespace, function: fn, reason }: DeadOfFunction,
    options: ReplayOptions,
  ): Promise<number> {
    let count = 0;
    for (const id of ids) {
      // Listed invocations lack their input, so load the complete invocation.
      const last = (await this.#deps.store.attempts.invocation(id))?.attempts.at(-1);
      if (last?.namespace !== namespace || last.function !== fn || last.final?.state !== 'dead') continue;
      if (reason !== undefined && last.final.reason !== reason) continue;
      const { input } = last.final;
      // The store refused it, so that the function would run with another one.
      if (input === null) continue;
      try {
        if (await this.#replayDead(last, replayInputOf(last, input), options)) count += 1;
      } catch (error) {
        // Its version was deleted; it can be replayed on another one.
        if (options.version !== 'pinned' || !isAppError(error, 'function_not_found')) throw error;
      }
    }
    return count;
  }

  /**
   * Adds the job first and marks the dead letter afterwards. A crash in between leaves a dead
   * letter whose replay is already on the queue; replaying it again finds that job, since its id is
   * derived from the dead letter's. If that job has already left the queue, the store has its
   * attempts, and it must not run again. A replay with another input or version is another job; if
   * two are sent at once, the one that does not get the dead letter takes its job back. Resolves
   * with null when the dead letter was replayed before.
   */
  async #replayDead(row: AttemptRow, sent: ReplayInput, options: ReplayOptions): Promise<RequestId | null> {
    const endedAt = row.final?.completedAt ?? row.startedAt;
    const what = `replay:${row.requestId}:${row.attempt}${differenceOf(sent, options)}`;
    const id = await this.#idOf(endedAt, what);
    const { attempts } = this.#deps.store;
    const isNew = (await attempts.invocation(id)) === null;
    if (isNew) await this.#enqueue(row, id, sent, options);
    if (await attempts.takeDead(row.requestId)) return id;
    // It may be running already, and is then a replay that has taken place.
    const isTakenBack = !isNew || (await this.#deps.queue.cancel(id)) === 'removed';
    return isTakenBack ? null : id;
  }

  async #replayEnded(row: AttemptRow, sent: ReplayInput, options: ReplayOptions): Promise<RequestId> {
    const id = newRequestId();
    await this.#enqueue(row, id, sent, options);
    return id;
  }

  async #enqueue(
    row: AttemptRow,
    id: RequestId,
    { input, callerWallet }: ReplayInput,
    { version, depth = 0 }: ReplayOptions,
  ): Promise<void> {
    const { catalog, queue, meter, resultTtlMs } = this.#deps;
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
  }
}

/** Selects the dead letters of a function, all or those of one reason. */
interface DeadOfFunction {
  namespace: Namespace;
  function: FunctionName;
  reason?: string;
}

/** The input of a replay, and the wallet of the caller who sent it. */
interface ReplayInput {
  input: Uint8Array;
  callerWallet: string;
  /** Whether it is not the input of the original invocation. */
  replacesOriginal?: boolean;
}

/** Returns a text that tells replays of one dead letter apart; empty if nothing was given. */
function differenceOf({ input, replacesOriginal }: ReplayInput, { version }: ReplayOptions): string {
  const digest = replacesOriginal === true ? hash('sha256', input) : '';
  return digest === '' && version === 'pinned' ? '' : `:${version}:${digest}`;
}

function replayInputOf({ final }: AttemptRow, input: Uint8Array): ReplayInput {
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

function replayedMeanwhile(id: RequestId): AppError {
  return new AppError(
    'conflict',
    `The dead invocation ${id} was replayed by another request at the same time; list what it became with ?parent_id=${id}.`,
  );
}

function inputGone({ requestId, inputSize }: AttemptRow): AppError {
  return new AppError(
    'conflict',
    `The input of invocation ${requestId} (${inputSize} bytes) is not kept any more, so that it cannot be replayed as it was; send one as "input" or "input_base64".`,
  );
}
