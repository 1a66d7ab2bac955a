import type { FunctionVersion } from '../../contract/function.js';
import type { FunctionName } from '../../contract/ids.js';
import { messageOf } from '../../errors.js';
import type { Logger } from '../../logger.js';
import type { Blobs } from '../../ports/blobs.js';
import type { Closable } from '../../ports/closable.js';
import type { Engine } from '../../ports/engine.js';
import type { Store } from '../../ports/store.js';
import type { Catalog } from './catalog.js';
import { warmStartOf } from './warm-start.js';

/** Number of versions per query. */
const BATCH = 10;
/**
 * Interval between rounds, doubled when a round left probes inconclusive. A deploy with an
 * inconclusive probe resets it.
 */
const FIRST_WAIT_MS = 5000;
const MAX_WAIT_MS = 600_000;

export interface ProbeRetriesDeps {
  store: Store;
  blobs: Pick<Blobs, 'get'>;
  engine: Pick<Engine, 'inspect'>;
  catalog: Catalog;
  logger: Pick<Logger, 'info'>;
  firstWaitMs?: number;
}

/**
 * Repeats inconclusive probes until they succeed, and then corrects the start strategy. Probes are
 * inconclusive on a busy machine. The pending versions are in the store, so a new process continues
 * where another one ended.
 */
export class ProbeRetries implements Closable {
  readonly #deps: ProbeRetriesDeps;
  readonly #firstWaitMs: number;
  #waitMs: number;
  #closed = false;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  /** Whether a version may have been deployed after the running round has listed the versions. */
  #isRequested = false;

  constructor(deps: ProbeRetriesDeps) {
    this.#deps = deps;
    this.#firstWaitMs = deps.firstWaitMs ?? FIRST_WAIT_MS;
    this.#waitMs = this.#firstWaitMs;
    this.#arm();
  }

  /** Call it after a deploy with an inconclusive probe. */
  schedule(): void {
    this.#isRequested = true;
    this.#waitMs = this.#firstWaitMs;
    if (this.#running === null) this.#arm();
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
  }

  #arm(): void {
    if (this.#closed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#running = this.#run();
    }, this.#waitMs);
    this.#timer.unref();
  }

  async #run(): Promise<void> {
    this.#isRequested = false;
    const left = await this.#runRound();
    this.#running = null;
    if (left && !this.#isRequested) this.#waitMs = Math.min(this.#waitMs * 2, MAX_WAIT_MS);
    // If no version is left, the next deploy or process start resumes.
    if (this.#isRequested || left) this.#arm();
  }

  /** Probes each pending version once. Resolves with whether some of them are still pending. */
  async #runRound(): Promise<boolean> {
    let left = 0;
    try {
      for (;;) {
        // Those that are still pending remain at the head of the list.
        const versions = await this.#deps.store.functions.probePending(BATCH, left);
        for (const version of versions) {
          if (this.#closed) return true;
          if (!(await this.#repeatOrReport(version))) left++;
        }
        if (versions.length < BATCH) return left > 0;
      }
    } catch (error) {
      this.#report(error);
      return true;
    }
  }

  /** A module that cannot be read does not hold up the versions behind it. */
  async #repeatOrReport(version: FunctionVersion): Promise<boolean> {
    try {
      return await repeatProbe(this.#deps, version);
    } catch (error) {
      this.#report(error, version.name);
      return false;
    }
  }

  #report(error: unknown, name?: FunctionName): void {
    if (this.#closed) return;
    this.#deps.logger.info(
      { function: name, err: messageOf(error) },
      'a probe could not be repeated; it will be retried',
    );
  }
}

/** Resolves with false if the probe was inconclusive again. */
async function repeatProbe(
  { store, blobs, engine, catalog, logger }: ProbeRetriesDeps,
  version: FunctionVersion,
): Promise<boolean> {
  const { namespace, name, wasm_cid: cid, memory_limit_mb: memoryLimitMb } = version;
  const inspection = await engine.inspect(await blobs.get(cid), {
    cid,
    name,
    memoryLimitMb,
    namespace,
    again: true,
  });
  const { warmStart, warmStartReason, probePending } = warmStartOf(inspection);
  if (probePending) return false;
  await store.functions.recordWarmStart(version, warmStart, warmStartReason);
  await catalog.changed(namespace);
  const { probe_pending: _, ...concluded } = version;
  await catalog.deployed({ ...concluded, warm_start: warmStart, warm_start_reason: warmStartReason });
  logger.info({ function: name, warm_start: warmStart }, 'a repeated probe was conclusive');
  return true;
}
