import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FunctionVersion } from '../../contract/function.js';
import type { RequestId } from '../../contract/ids.js';
import { DAY_MS } from '../../contract/limits.js';
import { isAppError } from '../../errors.js';
import type { Backlog } from '../../ports/backlog.js';
import type { Meter } from '../../ports/meter.js';
import type { InvocationQueue } from '../../ports/queue.js';
import type { AttemptRow } from '../../ports/store/attempts.js';
import type { Store } from '../../ports/store.js';
import type { Catalog } from '../functions/catalog.js';
import { type ClaimedInvocation, Idempotency, LEASE_MS } from './idempotency.js';
import { jobOf, newRequestId } from './job.js';

/** The caller to whom the keys of replays belong: no request is one of this caller. */
const REPLAYS = 'replays of dead letters';
/** How long it is remembered which job replays a dead letter, in case the letter is not marked. */
const REMEMBER_MS = 90 * DAY_MS;

export interface ReplayOptions {
  /** Default: `pinned`, the version of the original invocation. */
  version: 'pinned' | 'newest' | number;
  /**
   * Depth of the function that requests the replay, if any. The replay's depth is at least that of
   * the original invocation.
   */
  depth?: number;
}

/** The input of a replay, and the wallet of the caller who sent it. */
export interface ReplayInput {
  input: Uint8Array;
  callerWallet: string;
  /** Whether it is not the input of the original invocation. */
  replacesOriginal?: boolean;
}

export interface ReplayerDeps {
  store: Store;
  queue: InvocationQueue;
  /** Holds records of ended invocations that are not in the store yet. */
  backlog: Pick<Backlog, 'size'>;
  catalog: Catalog;
  meter: Meter;
  resultTtlMs: number;
}

/** How a job is added: `fn` is the version to run. */
type AddOptions = Pick<ReplayOptions, 'depth'> & { fn: FunctionVersion };

/** Adds the jobs of replays. */
export class Replayer {
  readonly #deps: ReplayerDeps;
  readonly #idempotency: Idempotency;

  constructor(deps: ReplayerDeps) {
    this.#deps = deps;
    this.#idempotency = new Idempotency(deps);
  }

  /**
   * Replays a dead letter once, however many calls replay it at a time. A claim in the store
   * decides which of them adds the job, under which id; then the dead letter is marked. A crash
   * before the mark leaves a dead letter whose claim names the job: the next call adds it if nobody
   * has, and otherwise finds it on the queue or in the store. A call with another input or version
   * then adds a job of its own. Resolves with null if another call replays the dead letter.
   */
  async replayDead(row: AttemptRow, sent: ReplayInput, options: ReplayOptions): Promise<RequestId | null> {
    const { attempts } = this.#deps.store;
    const { requestId: letter, namespace, function: name } = row;
    const fn = await this.#versionOf(row, options);
    const content = contentOf(sent, fn);
    const claimed = await this.#idempotency.claim(
      {
        ...{ namespace, function: name, caller: REPLAYS, idempotencyKey: `${letter}:${row.attempt}` },
        ...{ input: content, bodyMayChange: true, rememberMs: REMEMBER_MS },
      },
      fn.version,
    );
    if (!claimed.isKnown) {
      await this.#addClaimed(row, claimed, sent, { ...options, fn });
      await attempts.takeDead(letter);
      return claimed.id;
    }
    if (await this.#isMarked(letter)) return null;
    // The call that added the job has died. Of those that find this, one takes its place.
    if ((await attempts.takeDead(letter)) === null) return null;
    const isSame = claimed.key?.bodyHash === hash('sha256', content);
    return isSame ? claimed.id : this.replayEnded(row, sent, options);
  }

  async #addClaimed(
    row: AttemptRow,
    { id, held, addBefore }: ClaimedInvocation,
    sent: ReplayInput,
    options: AddOptions,
  ): Promise<void> {
    try {
      await this.#add(row, id, sent, options, addBefore);
    } catch (error) {
      // After an ambiguous write the job may run: a repeated replay finds it.
      if (!isAppError(error, 'ambiguous_write')) await this.#idempotency.release(held);
      throw error;
    }
  }

  /** Waits until the call that has added the replay of a dead letter has marked it. */
  async #isMarked(id: RequestId): Promise<boolean> {
    const end = performance.now() + LEASE_MS;
    for (let pause = 5; performance.now() <= end; pause *= 2) {
      const last = (await this.#deps.store.attempts.invocation(id))?.attempts.at(-1);
      if (last?.final?.state !== 'dead') return true;
      await sleep(pause);
    }
    return false;
  }

  /** Adds a replay, as often as it is called. */
  async replayEnded(row: AttemptRow, sent: ReplayInput, options: ReplayOptions): Promise<RequestId> {
    const id = newRequestId();
    await this.#add(row, id, sent, { ...options, fn: await this.#versionOf(row, options) });
    return id;
  }

  #versionOf(row: AttemptRow, { version }: ReplayOptions): Promise<FunctionVersion> {
    return this.#deps.catalog.resolve(row.namespace, row.function, versionToRun(row, version));
  }

  async #add(
    row: AttemptRow,
    id: RequestId,
    { input, callerWallet }: ReplayInput,
    { fn, depth = 0 }: AddOptions,
    before?: number,
  ): Promise<void> {
    const { queue, meter, resultTtlMs } = this.#deps;
    const httpRequest = row.final?.httpRequest ?? undefined;
    const job = jobOf(fn, {
      id,
      trigger: 'replay',
      triggerDepth: Math.max(row.triggerDepth, depth),
      callerWallet,
      input,
      acceptedAt: Date.now(),
      resultTtlMs,
      parentId: row.requestId,
      ...(httpRequest === undefined ? {} : { httpRequest }),
    });
    await queue.add([job], before);
    meter.accepted('replay', 1);
  }
}

/** Returns what tells replays of one dead letter apart. */
function contentOf({ input, replacesOriginal }: ReplayInput, { version }: FunctionVersion): Uint8Array {
  return Buffer.from(JSON.stringify([version, replacesOriginal === true ? hash('sha256', input) : null]));
}

/** Undefined: the newest version. */
function versionToRun(row: AttemptRow, version: ReplayOptions['version']): number | undefined {
  if (version === 'newest') return undefined;
  return version === 'pinned' ? row.version : version;
}
