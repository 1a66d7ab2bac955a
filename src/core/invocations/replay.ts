import type { FunctionName, Namespace, RequestId } from '../../contract/ids.js';
import { coversFunction, type Rights } from '../../contract/scopes.js';
import { AppError, isAppError } from '../../errors.js';
import type { AttemptRow, DeadGroup } from '../../ports/store/attempts.js';
import { auditEntry } from '../auth/audit.js';
import type { Actor } from '../auth/principal.js';
import { assertFunction } from '../auth/rights.js';
import { freshCache } from '../fresh-cache.js';
import { assertInputSize } from './invoke.js';
import { Replayer, type ReplayerDeps, type ReplayInput, type ReplayOptions } from './replayer.js';

const BATCH = 100;

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
export class DeadLetters {
  readonly #deps: ReplayerDeps;
  readonly #groups = freshCache<DeadGroup[]>();
  readonly #replayer: Replayer;

  constructor(deps: ReplayerDeps) {
    this.#deps = deps;
    this.#replayer = new Replayer(deps);
  }

  /**
   * Replays any ended invocation and resolves with the new id. Throws `not_found`, or `conflict` if
   * it has not ended, if its input has expired and none is given, or if it is a dead letter that
   * another call is replaying.
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
        ? await this.#replayer.replayDead(last, sent, options)
        : await this.#replayer.replayEnded(last, sent, options);
    if (again === null) throw beingReplayed(id);
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
        if (await this.#replayer.replayDead(last, replayInputOf(last, input), options)) count += 1;
      } catch (error) {
        // Its version was deleted; it can be replayed on another one.
        if (options.version !== 'pinned' || !isAppError(error, 'function_not_found')) throw error;
      }
    }
    return count;
  }
}

/** Selects the dead letters of a function, all or those of one reason. */
interface DeadOfFunction {
  namespace: Namespace;
  function: FunctionName;
  reason?: string;
}

function replayInputOf({ final }: AttemptRow, input: Uint8Array): ReplayInput {
  return { input, callerWallet: final?.callerWallet ?? '' };
}

function notEnded(id: RequestId): AppError {
  return new AppError('conflict', `The invocation ${id} has not ended; it can be replayed when it has.`);
}

function beingReplayed(id: RequestId): AppError {
  return new AppError(
    'conflict',
    `Another call is replaying the invocation ${id}; list what it becomes with ?parent_id=${id}, or replay it again.`,
  );
}

function inputGone({ requestId, inputSize }: AttemptRow): AppError {
  return new AppError(
    'conflict',
    `The input of invocation ${requestId} (${inputSize} bytes) is not kept any more, so that it cannot be replayed as it was; send one as "input" or "input_base64".`,
  );
}
