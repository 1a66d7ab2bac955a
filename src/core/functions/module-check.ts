import type { FunctionName, Namespace } from '../../contract/ids.js';
import { type Blobs, isUnreadable } from '../../ports/blobs.js';
import type { Catalog } from './catalog.js';

/** A version whose stored module cannot be run. */
export interface DamagedModule {
  function: FunctionName;
  version: number;
  wasm_cid: string;
  error: string;
}

export interface ModuleCheckResult {
  /** The number of versions whose modules were read. */
  checked: number;
  damaged: DamagedModule[];
}

/**
 * Reads the stored module of every version that calls without a version may run, and compares it
 * with its hash. Throws `unavailable` if the storage cannot be reached.
 */
export type ModuleCheck = (namespace: Namespace) => Promise<ModuleCheckResult>;

export function createModuleCheck({
  catalog,
  blobs,
}: {
  catalog: Catalog;
  blobs: Pick<Blobs, 'get'>;
}): ModuleCheck {
  const checks = new Map<Namespace, Promise<ModuleCheckResult>>();

  async function check(namespace: Namespace): Promise<ModuleCheckResult> {
    const result: ModuleCheckResult = { checked: 0, damaged: [] };
    const errors = new Map<string, string | null>();
    for (const { name } of await catalog.functions(namespace, { reload: true })) {
      for (const { version, wasm_cid } of await catalog.candidates(namespace, name)) {
        if (!errors.has(wasm_cid)) errors.set(wasm_cid, await damageOf(wasm_cid));
        const error = errors.get(wasm_cid) ?? null;
        result.checked++;
        if (error !== null) result.damaged.push({ function: name, version, wasm_cid, error });
      }
    }
    return result;
  }

  async function damageOf(cid: string): Promise<string | null> {
    try {
      await blobs.get(cid);
      return null;
    } catch (error) {
      if (isUnreadable(error)) return error.message;
      throw error;
    }
  }

  return (namespace) => {
    // One at a time per namespace, because a check reads all modules.
    const running = checks.get(namespace) ?? check(namespace).finally(() => checks.delete(namespace));
    checks.set(namespace, running);
    return running;
  };
}
