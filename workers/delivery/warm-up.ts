import type { FunctionVersion } from '../../src/contract/function.js';
import type { Catalog } from '../../src/core/catalog.js';
import { messageOf } from '../../src/errors.js';
import type { Logger } from '../../src/logger.js';
import type { Blobs } from '../../src/ports/blobs.js';
import type { Closable } from '../../src/ports/closable.js';
import type { Engine, GuestModule } from '../../src/ports/engine.js';
import type { Store } from '../../src/ports/store.js';
import { atMost } from '../../src/within.js';

/** Modules made ready at start; a Go module takes about 10 MB compiled. */
const AT_START = 32;
/** Jobs are taken after this at the latest, whatever is still being made ready. */
const START_WITHIN_MS = 1000;

export interface WarmUpDeps {
  store: Store;
  blobs: Blobs;
  catalog: Catalog;
  engine: Engine;
  logger: Logger;
}

/** The module of a function's version, as the engine takes it. */
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
 * Has modules compiled before they are called: at start those that ran last, then those that were
 * deployed last; afterwards each that is deployed, by whichever process. What fails here fails
 * again, and is told, when it is called.
 */
export async function startWarmUp({ store, blobs, catalog, engine, logger }: WarmUpDeps): Promise<Closable> {
  let closed = false;
  const prepare = async (fn: FunctionVersion) => {
    if (closed) return;
    try {
      await engine.prepare(moduleOf(fn, blobs));
    } catch (error) {
      if (!closed)
        logger.info({ function: fn.name, err: messageOf(error) }, 'a module could not be made ready');
    }
  };
  const prepareRecent = async () => {
    try {
      for (const fn of await store.functions.recent(AT_START)) await prepare(fn);
    } catch (error) {
      logger.info(
        { err: messageOf(error) },
        'what ran last is not known; modules are made ready when they are called',
      );
    }
  };
  const unsubscribe = await catalog.onDeployed((fn) => void prepare(fn));
  await atMost(START_WITHIN_MS, prepareRecent());
  return {
    async close() {
      closed = true;
      await unsubscribe();
    },
  };
}
