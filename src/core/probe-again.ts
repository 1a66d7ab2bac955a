import type { FunctionVersion } from '../contract/function.js';
import { messageOf } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Blobs } from '../ports/blobs.js';
import type { Closable } from '../ports/closable.js';
import type { Engine } from '../ports/engine.js';
import type { Store } from '../ports/store.js';
import type { Catalog } from './catalog.js';
import { warmStartOf } from './warm-start.js';

/** Versions looked for at a time. */
const AT_A_TIME = 10;
/**
 * Between two looks; longer each time that nothing could be settled. A deploy that was not
 * conclusive begins anew.
 */
const FIRST_WAIT_MS = 5000;
const LONGEST_WAIT_MS = 600_000;

export interface ProbeAgainDeps {
  store: Store;
  blobs: Pick<Blobs, 'get'>;
  engine: Pick<Engine, 'inspect'>;
  catalog: Catalog;
  logger: Pick<Logger, 'info'>;
  firstWaitMs?: number;
}

export interface ProbeAgain extends Closable {
  /** A version was deployed whose probe was not conclusive. */
  soon(): void;
}

/**
 * Repeats probes that were not conclusive, on a machine that was too busy, until they are, and
 * corrects how the version starts. What is to be repeated is in the store, so a process that starts
 * goes on where another one ended.
 */
export function startProbeAgain(deps: ProbeAgainDeps): ProbeAgain {
  const { store, blobs, engine, catalog, logger, firstWaitMs = FIRST_WAIT_MS } = deps;
  let waitMs = firstWaitMs;
  let closed = false;
  let timer: NodeJS.Timeout | null = null;
  let looking: Promise<void> | null = null;

  const schedule = () => {
    if (closed) return;
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => {
      looking ??= look().finally(() => {
        looking = null;
      });
    }, waitMs);
    timer.unref();
  };

  async function look(): Promise<void> {
    let left = false;
    try {
      for (const version of await store.functions.unsettled(AT_A_TIME)) {
        if (closed) return;
        left = !(await settle(version)) || left;
      }
    } catch (error) {
      left = true;
      if (!closed) logger.info({ err: messageOf(error) }, 'a probe could not be repeated; it is tried later');
    }
    // With nothing left to settle, only the next deploy or start looks again.
    if (!left) return;
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    schedule();
  }

  /** False when it is still not settled. */
  async function settle(version: FunctionVersion): Promise<boolean> {
    const { namespace, name, wasm_cid: cid, memory_limit_mb: memoryLimitMb } = version;
    const report = await engine.inspect(await blobs.get(cid), {
      cid,
      name,
      memoryLimitMb,
      namespace,
      again: true,
    });
    const { warmStart, warmStartReason, probePending } = warmStartOf(report);
    if (probePending) return false;
    await store.functions.settleWarmStart(version, warmStart, warmStartReason);
    await catalog.changed(namespace);
    const { probe_pending: _, ...settled } = version;
    await catalog.deployed({ ...settled, warm_start: warmStart, warm_start_reason: warmStartReason });
    logger.info({ function: name, warm_start: warmStart }, 'a probe was repeated and is conclusive');
    return true;
  }

  schedule();
  return {
    soon() {
      waitMs = firstWaitMs;
      schedule();
    },
    async close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      await looking;
    },
  };
}
