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

export interface ProbeRetries extends Closable {
  /** Call it after a deploy with an inconclusive probe. */
  schedule(): void;
}

/**
 * Repeats inconclusive probes until they succeed, and then corrects the start strategy. Probes are
 * inconclusive on a busy machine. The pending versions are in the store, so a new process continues
 * where another one ended.
 */
export function startProbeRetries(deps: ProbeRetriesDeps): ProbeRetries {
  const { store, blobs, engine, catalog, logger, firstWaitMs = FIRST_WAIT_MS } = deps;
  let waitMs = firstWaitMs;
  let closed = false;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;
  /** Whether a version may have been deployed after the running round has listed the versions. */
  let isRequested = false;

  const arm = () => {
    if (closed) return;
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => {
      running = run();
    }, waitMs);
    timer.unref();
  };

  async function run(): Promise<void> {
    isRequested = false;
    const left = await runRound();
    running = null;
    if (left && !isRequested) waitMs = Math.min(waitMs * 2, MAX_WAIT_MS);
    // If no version is left, the next deploy or process start resumes.
    if (isRequested || left) arm();
  }

  /** Probes each pending version once. Resolves with whether some of them are still pending. */
  async function runRound(): Promise<boolean> {
    let left = 0;
    try {
      for (;;) {
        // Those that are still pending remain at the head of the list.
        const versions = await store.functions.probePending(BATCH, left);
        for (const version of versions) {
          if (closed) return true;
          if (!(await repeatOrReport(version))) left++;
        }
        if (versions.length < BATCH) return left > 0;
      }
    } catch (error) {
      report(error);
      return true;
    }
  }

  /** A module that cannot be read does not hold up the versions behind it. */
  async function repeatOrReport(version: FunctionVersion): Promise<boolean> {
    try {
      return await repeat(version);
    } catch (error) {
      report(error, version.name);
      return false;
    }
  }

  function report(error: unknown, name?: FunctionName): void {
    if (closed) return;
    logger.info(
      { function: name, err: messageOf(error) },
      'a probe could not be repeated; it will be retried',
    );
  }

  /** Resolves with false if the probe was inconclusive again. */
  async function repeat(version: FunctionVersion): Promise<boolean> {
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

  arm();
  return {
    schedule() {
      isRequested = true;
      waitMs = firstWaitMs;
      if (running === null) arm();
    },
    async close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      await running;
    },
  };
}
