import { LIVE_ALIAS } from '../../contract/alias.js';
import type { FunctionName, Namespace } from '../../contract/ids.js';
import { AppError } from '../../errors.js';
import type { StoredAlias } from '../../ports/store/aliases.js';
import type { Store } from '../../ports/store.js';
import { functionNotFound } from './catalog.js';

type Parts = Pick<Store, 'aliases' | 'functions'>;

/**
 * Resolves with why the store has not changed an alias: the version has been deleted with its
 * function since it was read, or the alias has been changed.
 */
export async function changedMeanwhile(
  store: Parts,
  { namespace, function: fn, alias, version: wanted }: Omit<StoredAlias, 'weights' | 'updatedAt'>,
): Promise<AppError> {
  const versions = await store.functions.versions(namespace, fn);
  if (!versions.some(({ version }) => version === wanted)) return functionNotFound(namespace, fn, wanted);
  return new AppError(
    'conflict',
    `The alias "${alias}" of "${fn}" was changed at the same time; look at it, and try again.`,
  );
}

/**
 * Resolves with the version that is live now: that of the alias `before`, or else the newest
 * version other than `to`. `createdLive` is false if `to` is the newest: without the alias, calls
 * would go to the version that the rollout has just given up. Throws `conflict` if the alias
 * splits calls: a rollout could not bring the split back.
 */
export async function versionBefore(
  store: Parts,
  namespace: Namespace,
  fn: FunctionName,
  to: number,
): Promise<{ from: number; createdLive: boolean; before: StoredAlias | null }> {
  const isLive = (each: StoredAlias) => each.function === fn && each.alias === LIVE_ALIAS;
  const before = (await store.aliases.list(namespace)).find(isLive) ?? null;
  const versions = await store.functions.versions(namespace, fn);
  const from =
    before === null ? versions.find(({ version }) => version !== to)?.version : onlyVersionOf(before);
  if (from === null) {
    throw new AppError(
      'conflict',
      `The alias "${LIVE_ALIAS}" of "${fn}" splits calls by weights, and a rollout starts from one version; send all calls to one first: orama function alias set ${fn} ${LIVE_ALIAS} <version>`,
    );
  }
  if (from !== undefined && from !== to) {
    return { from, createdLive: before === null && versions[0]?.version !== to, before };
  }
  throw new AppError(
    'conflict',
    from === to
      ? `Version ${to} of "${fn}" is live already; roll out another one.`
      : `"${fn}" has no other version than ${to}; a rollout needs one to come from.`,
  );
}

/** Returns the version that gets all calls of an alias, or null if they are split over several. */
function onlyVersionOf({ version, weights }: Pick<StoredAlias, 'version' | 'weights'>): number | null {
  const shares = Object.entries(weights);
  if (shares.length === 0) return version;
  const all = shares.find(([, percent]) => percent === 100);
  return all === undefined ? null : Number(all[0]);
}
