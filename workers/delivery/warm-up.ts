import { waitAtMost } from '../../src/concurrency/timeout.js';
import type { FunctionVersion } from '../../src/contract/function.js';
import type { Catalog } from '../../src/core/functions/catalog.js';
import { messageOf } from '../../src/errors.js';
import type { Logger } from '../../src/logger.js';
import type { Blobs } from '../../src/ports/blobs.js';
import type { Closable } from '../../src/ports/closable.js';
import type { Engine, GuestModule } from '../../src/ports/engine.js';
import type { Store } from '../../src/ports/store.js';

/** The number of modules prepared at start; a compiled Go module takes about 10 MB. */
const AT_START = 32;
/**
 * The worker starts taking jobs after this time at the latest, even if modules are still being
 * prepared. In milliseconds.
 */
const START_WITHIN_MS = 1000;

export interface WarmUpDeps {
  store: Store;
  blobs: Blobs;
  catalog: Catalog;
  engine: Engine;
  logger: Logger;
}

/** Returns the module of a function version in the form that the engine takes. */
export function moduleOf(fn: FunctionVersion, blobs: Blobs): GuestModule {
  return {
    functionName: fn.name,
    namespace: fn.namespace,
    cid: fn.wasm_cid,
    loadWasm: () => blobs.get(fn.wasm_cid),
    warmStart: fn.warm_start,
    memoryLimitMb: fn.memory_limit_mb,
  };
}

/**
 * Compiles modules before they are called: at start the most recently run ones, then the most
 * recently deployed ones; afterwards each newly deployed one, from any process. A failure here
 * occurs again, and is reported, when the module is called.
 */
export async function startWarmUp({ store, blobs, catalog, engine, logger }: WarmUpDeps): Promise<Closable> {
  let closed = false;
  const prepare = async (fn: FunctionVersion) => {
    if (closed) return;
    try {
      await engine.prepare(moduleOf(fn, blobs));
    } catch (error) {
      if (!closed) logger.info({ function: fn.name, err: messageOf(error) }, 'failed to prepare a module');
    }
  };
  const prepareRecent = async () => {
    try {
      for (const fn of await store.functions.recent(AT_START)) await prepare(fn);
    } catch (error) {
      logger.info(
        { err: messageOf(error) },
        'failed to read the most recently run functions; modules are prepared when they are called',
      );
    }
  };
  const unsubscribe = await catalog.onDeployed((fn) => void prepare(fn));
  await waitAtMost(START_WITHIN_MS, prepareRecent());
  return {
    async close() {
      closed = true;
      await unsubscribe();
    },
  };
}
