import type { VersionRef } from '../../contract/alias.js';
import type { FunctionRecord, FunctionSettings, FunctionVersion } from '../../contract/function.js';
import type { FunctionName, Namespace } from '../../contract/ids.js';
import { MAX_MODULE_BYTES } from '../../contract/limits.js';
import { messageOf } from '../../errors.js';
import type { Logger } from '../../logger.js';
import type { Blobs } from '../../ports/blobs.js';
import type { Store } from '../../ports/store.js';
import { auditEntry } from '../auth/audit.js';
import type { Actor } from '../auth/principal.js';
import type { Schedules } from '../events/schedules.js';
import type { Invocations } from '../invocations/invocations.js';
import type { Catalog } from './catalog.js';
import { deleteUnowned } from './stored-blobs.js';

export interface FunctionsDeps {
  store: Store;
  blobs: Blobs;
  catalog: Catalog;
  schedules: Schedules;
  invocations: Invocations;
  logger: Logger;
}

/** Reads and deletes functions; `deployments.ts` adds their versions. */
export class Functions {
  readonly #deps: FunctionsDeps;

  constructor(deps: FunctionsDeps) {
    this.#deps = deps;
  }

  /** Resolves with the record of the newest version, or of the main version of an alias. */
  async get(namespace: Namespace, name: FunctionName, ref?: VersionRef): Promise<FunctionRecord> {
    return recordOf(await this.version(namespace, name, ref));
  }

  list(namespace: Namespace): Promise<FunctionRecord[]> {
    return this.#deps.store.functions.list(namespace);
  }

  async versions(namespace: Namespace, name: FunctionName): Promise<FunctionRecord[]> {
    const { catalog, store } = this.#deps;
    const versions = await store.functions.versions(namespace, name);
    if (versions.length === 0) await catalog.resolve(namespace, name);
    return versions;
  }

  /** Deletes a function with its triggers and cancels its waiting jobs. Its logs are kept. */
  async remove(by: Actor, namespace: Namespace, name: FunctionName): Promise<void> {
    const { catalog, schedules, store } = this.#deps;
    const latest = await store.functions.latest(namespace, name);
    const audit = auditEntry(by, 'function.delete', name, namespace);
    const modules = await store.functions.remove(namespace, name, audit);
    await schedules.sync(namespace);
    await catalog.changed(namespace);
    // Throws `function_not_found` with the usual message.
    if (modules === null) await catalog.resolve(namespace, name);
    // Not awaited, because there may be a thousand.
    void this.#deleteModules(name, modules ?? []);
    if (!latest) return;
    // Not awaited: workers cancel jobs of a deleted function when these come up. This cancels
    // jobs with a long delay.
    void this.#cancelWaiting(latest);
  }

  /** Resolves with the newest or another version, including all its settings. */
  async version(namespace: Namespace, name: FunctionName, ref?: VersionRef): Promise<FunctionVersion> {
    const { catalog } = this.#deps;
    if (typeof ref !== 'string') return catalog.resolve(namespace, name, ref);
    const [main] = await catalog.candidates(namespace, name, ref);
    return main ?? (await catalog.resolve(namespace, name));
  }

  /** Resolves with the size of a version's module, or the maximum size if it is not known. */
  async moduleBytes({ namespace, wasm_cid }: FunctionVersion): Promise<number> {
    return (await this.#deps.store.functions.moduleBytes(namespace, wasm_cid)) ?? MAX_MODULE_BYTES;
  }

  /** Deletes modules that no other function, version or namespace has. Never rejects. */
  async #deleteModules(name: FunctionName, cids: readonly string[]): Promise<void> {
    const { blobs, logger, store } = this.#deps;
    try {
      for (const cid of cids) await deleteUnowned({ blobs, owners: store.blobOwners }, cid);
    } catch (error) {
      logger.warn(
        { function: name, err: messageOf(error) },
        'modules of a deleted function could not be deleted',
      );
    }
  }

  /** Never rejects. */
  async #cancelWaiting({ namespace, name, version }: FunctionVersion): Promise<void> {
    const { invocations, logger } = this.#deps;
    await invocations
      .cancelWaiting(namespace, name, version)
      .catch((error) =>
        logger.warn(
          { function: name, err: messageOf(error) },
          'waiting jobs of a deleted function could not be cancelled; workers will cancel them',
        ),
      );
  }
}

/** Returns the public record, without `metadata`. */
export function recordOf({ metadata: _, probe_pending: __, ...record }: FunctionVersion): FunctionRecord {
  return record;
}

/** Returns the settings of a version; deploying them again gives an equal version. */
export function settingsOf(version: FunctionVersion): FunctionSettings {
  return {
    name: version.name,
    is_public: version.is_public,
    memory_limit_mb: version.memory_limit_mb,
    timeout_seconds: version.timeout_seconds,
    retry_count: version.retry_count,
    retry_delay_seconds: version.retry_delay_seconds,
    metadata: version.metadata,
  };
}
