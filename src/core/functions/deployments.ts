import type { FunctionRecord, FunctionSettings, FunctionVersion } from '../../contract/function.js';
import type { FunctionName, Namespace } from '../../contract/ids.js';
import { MAX_MODULE_BYTES } from '../../contract/limits.js';
import type { QuotaLimits } from '../../contract/quotas.js';
import type { Rights } from '../../contract/scopes.js';
import { NO_ORIGIN, type VersionOrigin } from '../../contract/version-origin.js';
import { AppError, isAppError, messageOf } from '../../errors.js';
import { type Blobs, isUnreadable } from '../../ports/blobs.js';
import type { Engine } from '../../ports/engine.js';
import type { Store } from '../../ports/store.js';
import { auditEntry } from '../auth/audit.js';
import type { Actor } from '../auth/principal.js';
import { assertRunsPerHour } from '../events/schedule-runs.js';
import type { Schedules } from '../events/schedules.js';
import type { Quotas } from '../quotas.js';
import type { Catalog } from './catalog.js';
import { recordOf, settingsOf } from './functions.js';
import { assertRoutesFree } from './http-routes.js';
import type { ProbeRetries } from './probe-retries.js';
import { assertAddressesReached, routesOf } from './route-rights.js';
import { deleteUnowned, secureBlob } from './stored-blobs.js';
import { warmStartOf } from './warm-start.js';

export interface Deployment {
  namespace: Namespace;
  settings: FunctionSettings;
  wasm: Uint8Array;
  /** Undefined if not given. */
  origin?: VersionOrigin;
}

/** Result of checking a module before it is stored. */
export interface DeployCheck {
  cid: string;
  start: ReturnType<typeof warmStartOf>;
  /** The quotas that the deploy was checked against. */
  limits: QuotaLimits;
}

export interface DeploymentsDeps {
  store: Store;
  blobs: Blobs;
  engine: Engine;
  catalog: Catalog;
  schedules: Schedules;
  quotas: Quotas;
  /** Repeats inconclusive probes. */
  probeRetries: ProbeRetries;
}

/** Adds versions of functions. */
export class Deployments {
  readonly #deps: DeploymentsDeps;

  constructor(deps: DeploymentsDeps) {
    this.#deps = deps;
  }

  /**
   * Validates the deploy, stores the module and then the record. A refused deploy stores nothing.
   */
  async deploy(by: Actor, deployment: Deployment): Promise<FunctionRecord> {
    const { blobs, store, probeRetries } = this.#deps;
    const { wasm } = deployment;
    const check = await this.#inspect(by.principal.rights, deployment);
    await blobs.put(wasm);
    const version = await this.#addVersion(by, deployment, check);
    if (check.start.probePending) probeRetries.schedule();
    await whenAdded(version, async () => {
      await secureBlob({ blobs, owners: store.blobOwners }, check.cid, wasm);
      await this.#announce(version);
    });
    return recordOf(version);
  }

  /** Performs the checks of a deploy without storing anything. */
  async check(rights: Rights, deployment: Deployment): Promise<DeployCheck> {
    const check = await this.#inspect(rights, deployment);
    const { namespace, settings, wasm } = deployment;
    const { cid: wasmCid, limits } = check;
    await this.#deps.store.functions.assertWithinQuotas({
      namespace,
      settings,
      wasmCid,
      wasmBytes: wasm.byteLength,
      limits,
    });
    return check;
  }

  /** Creates a new version with the module and settings of an old one. */
  async rollback(
    by: Actor,
    namespace: Namespace,
    name: FunctionName,
    version: number,
  ): Promise<FunctionRecord> {
    const { blobs, catalog, store, probeRetries } = this.#deps;
    const old = await catalog.resolve(namespace, name, version);
    const settings = settingsOf(old);
    const limits = await this.#assertFits(by.principal.rights, namespace, settings);
    const wasm = await this.#readWhole(old);
    const added = await store.functions.addVersion(
      {
        namespace,
        settings,
        wasmCid: old.wasm_cid,
        warmStart: old.warm_start,
        warmStartReason: old.warm_start_reason,
        probePending: old.probe_pending === true,
        createdBy: by.principal.subject,
        createdByName: by.principal.keyName,
        origin: { message: `Rollback to version ${version}`, git_commit: old.git_commit },
        limits,
      },
      auditEntry(by, 'function.rollback', name, namespace),
    );
    if (old.probe_pending === true) probeRetries.schedule();
    await whenAdded(added, async () => {
      // The function, and with it the module, may have been deleted meanwhile.
      if (wasm !== null) await secureBlob({ blobs, owners: store.blobOwners }, old.wasm_cid, wasm);
      await this.#announce(added);
    });
    return recordOf(added);
  }

  /** Performs the checks of a deploy except those of the quotas that `addVersion` checks. */
  async #inspect(rights: Rights, { namespace, settings, wasm }: Deployment): Promise<DeployCheck> {
    const { blobs, engine } = this.#deps;
    assertModuleSize(wasm.byteLength);
    const limits = await this.#assertFits(rights, namespace, settings);
    const cid = await blobs.cidOf(wasm);
    const about = { cid, name: settings.name, memoryLimitMb: settings.memory_limit_mb, namespace };
    return { cid, start: warmStartOf(await engine.inspect(wasm, about)), limits };
  }

  /**
   * Checks the settings of a new version against the rest of the namespace: its routes and
   * schedules. Resolves with the quotas.
   */
  async #assertFits(
    rights: Rights,
    namespace: Namespace,
    { name, metadata }: FunctionSettings,
  ): Promise<QuotaLimits> {
    const { catalog, quotas, store } = this.#deps;
    const routes = routesOf({ metadata });
    await assertAddressesReached(catalog, namespace, rights, routes);
    await assertRoutesFree(catalog, namespace, name, routes);
    const limits = await quotas.limits(namespace);
    await assertRunsPerHour(store.triggers, namespace, limits.schedule_runs_per_hour, {
      function: name,
      replaces: 'manifest',
      specs: metadata.triggers,
    });
    return limits;
  }

  async #addVersion(
    by: Actor,
    { namespace, settings, wasm, origin = NO_ORIGIN }: Deployment,
    { cid, start, limits }: DeployCheck,
  ): Promise<FunctionVersion> {
    const { blobs, store } = this.#deps;
    const made = {
      namespace,
      settings,
      wasmCid: cid,
      wasmBytes: wasm.byteLength,
      createdBy: by.principal.subject,
      createdByName: by.principal.keyName,
      ...start,
      origin,
      limits,
    };
    try {
      const audit = auditEntry(by, 'function.deploy', settings.name, namespace);
      return await store.functions.addVersion(made, audit);
    } catch (error) {
      // A refused deploy must not leave its module in the blob store.
      if (isAppError(error, 'quota_exceeded') || isAppError(error, 'conflict')) {
        await deleteUnowned({ blobs, owners: store.blobOwners }, cid);
      }
      throw error;
    }
  }

  async #announce(version: FunctionVersion): Promise<void> {
    const { catalog, schedules } = this.#deps;
    await schedules.sync(version.namespace);
    await catalog.changed(version.namespace);
    await catalog.deployed(version);
  }

  /**
   * Resolves with the module of a version, or with null while the storage is unreachable: workers
   * may then still have it in memory. Throws `blob_damaged`.
   */
  async #readWhole({ name, version, wasm_cid: cid }: FunctionVersion): Promise<Uint8Array | null> {
    return this.#deps.blobs.get(cid).catch((cause) => {
      if (!isUnreadable(cause)) return null;
      const what = `Version ${version} of ${name} cannot be restored: ${messageOf(cause)}`;
      throw new AppError(
        'blob_damaged',
        `${what} Roll back to another version, or deploy its module again.`,
        { cause },
      );
    });
  }
}

/**
 * Does what follows the write of a version. An outage then must not read as if nothing had been
 * deployed: clients repeat a request that was refused.
 */
async function whenAdded({ name, version }: FunctionVersion, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (!isAppError(cause, 'unavailable') && !isAppError(cause, 'ambiguous_write')) throw cause;
    throw new AppError(
      'ambiguous_write',
      `Version ${version} of ${name} was added, but not everything that follows could be done: ${messageOf(cause)} Deploy again if it does not run.`,
      { cause },
    );
  }
}

function assertModuleSize(bytes: number): void {
  if (bytes === 0) {
    throw new AppError(
      'invalid_module',
      'The file "wasm" is empty; build the function and send function.wasm.',
    );
  }
  if (bytes <= MAX_MODULE_BYTES) return;
  throw new AppError(
    'payload_too_large',
    `The module has ${bytes} bytes; at most ${MAX_MODULE_BYTES} (32 MB) are allowed. Strip debug information or leave out what is not used.`,
  );
}
