import { type Alias, type AliasRecord, type AliasTarget, LIVE_ALIAS } from '../../contract/alias.js';
import type { FunctionName, Namespace } from '../../contract/ids.js';
import { AppError } from '../../errors.js';
import type { StoredAlias } from '../../ports/store/aliases.js';
import type { Store } from '../../ports/store.js';
import { auditEntry } from '../auth/audit.js';
import type { Actor } from '../auth/principal.js';
import type { Catalog } from './catalog.js';
import { changedMeanwhile } from './rollout-start.js';
import { assertAddressesReached, routesOf } from './route-rights.js';

/** Manages aliases of versions, which invocations, triggers, schedules and HTTP routes resolve. */
export interface Aliases {
  list(namespace: Namespace, fn: FunctionName): Promise<AliasRecord[]>;
  put(
    by: Actor,
    namespace: Namespace,
    fn: FunctionName,
    alias: Alias,
    target: AliasTarget,
  ): Promise<AliasRecord>;
  remove(by: Actor, namespace: Namespace, fn: FunctionName, alias: Alias): Promise<void>;
}

export function createAliases({ store, catalog }: { store: Store; catalog: Catalog }): Aliases {
  /** Throws `conflict` while a rollout controls the alias `live`. */
  const assertNoRollout = async (namespace: Namespace, fn: FunctionName, alias: Alias) => {
    if (alias !== LIVE_ALIAS) return;
    const rollout = await store.rollouts.get(namespace, fn);
    if (rollout?.state !== 'running') return;
    throw new AppError(
      'conflict',
      `A rollout of "${fn}" to version ${rollout.to} moves the alias "${LIVE_ALIAS}"; abort it first.`,
    );
  };

  const aliasesOf = async (namespace: Namespace, fn: FunctionName) =>
    (await store.aliases.list(namespace)).filter((alias) => alias.function === fn);

  return {
    async list(namespace, fn) {
      await catalog.resolve(namespace, fn);
      return (await aliasesOf(namespace, fn)).map(recordOf);
    },

    async put(by, namespace, fn, alias, { version, weights = {} }) {
      await assertNoRollout(namespace, fn, alias);
      if (Object.hasOwn(weights, String(version))) {
        throw new AppError(
          'invalid_request',
          `weights: version ${version} is the alias's own version, which gets the rest; give weights to the others only.`,
        );
      }
      for (const wanted of [version, ...Object.keys(weights).map(Number)]) {
        const routes = routesOf(await catalog.resolve(namespace, fn, wanted));
        if (alias === LIVE_ALIAS) {
          await assertAddressesReached(catalog, namespace, by.principal.rights, routes);
        }
      }
      const stored: StoredAlias = { namespace, function: fn, alias, version, weights, updatedAt: Date.now() };
      const audit = auditEntry(by, 'alias.set', `${fn}@${alias}`, namespace);
      if (!(await store.aliases.put(stored, audit))) {
        await assertNoRollout(namespace, fn, alias);
        throw await changedMeanwhile(store, stored);
      }
      await catalog.changed(namespace);
      return recordOf(stored);
    },

    async remove(by, namespace, fn, alias) {
      await assertNoRollout(namespace, fn, alias);
      const newest = alias === LIVE_ALIAS ? await catalog.find(namespace, fn) : null;
      if (newest !== null) {
        await assertAddressesReached(catalog, namespace, by.principal.rights, routesOf(newest));
      }
      const audit = auditEntry(by, 'alias.delete', `${fn}@${alias}`, namespace);
      const removed = await store.aliases.remove(namespace, fn, alias, audit);
      await catalog.changed(namespace);
      if (removed) return;
      await assertNoRollout(namespace, fn, alias);
      const { version } = await catalog.resolve(namespace, fn);
      const isThere = (await aliasesOf(namespace, fn)).some((each) => each.alias === alias);
      if (isThere) throw await changedMeanwhile(store, { namespace, function: fn, alias, version });
      throw new AppError(
        'not_found',
        `Function "${fn}" has no alias "${alias}" in namespace "${namespace}".`,
      );
    },
  };
}

function recordOf({ alias, function: fn, version, weights, updatedAt }: StoredAlias): AliasRecord {
  return { alias, function: fn, version, weights, updated_at: new Date(updatedAt).toISOString() };
}
