import { type Alias, LIVE_ALIAS, type VersionRef } from '../contract/alias.js';
import type { FunctionVersion } from '../contract/function.js';
import type { FunctionName, Namespace } from '../contract/ids.js';
import { AppError } from '../errors.js';
import type { Bus, Unsubscribe } from '../ports/bus.js';
import type { Closable } from '../ports/closable.js';
import type { StoredAlias } from '../ports/store/aliases.js';
import type { StoredTrigger } from '../ports/store/triggers.js';
import type { Store } from '../ports/store.js';
import { freshCache } from './fresh-cache.js';
import { drawVersion } from './version-draw.js';

const CHANNEL = 'catalog';
const DEPLOYED = 'deployed';

/**
 * A cache of functions and triggers for the hot paths. Entries are invalidated over the bus and are
 * never older than 2 s. Absence is never cached, so that a new function is found immediately in
 * every process.
 */
export interface Catalog extends Closable {
  /** Resolves with the given or the latest version. Throws `function_not_found`. */
  resolve(namespace: Namespace, name: FunctionName, version?: number): Promise<FunctionVersion>;
  find(namespace: Namespace, name: FunctionName, version?: number): Promise<FunctionVersion | null>;
  /**
   * Resolves with the version that an invocation runs. Without a reference, this is the alias
   * `live` if the function has it, otherwise the newest version. An alias with weights is resolved
   * randomly, but equally for equal `sticky` texts. Throws `function_not_found`.
   */
  choose(
    namespace: Namespace,
    name: FunctionName,
    options?: { ref?: VersionRef | undefined; sticky?: string | undefined },
  ): Promise<FunctionVersion>;
  /**
   * Returns what `choose` resolves with without a reference if everything needed is cached and
   * fresh; otherwise null.
   */
  peek(namespace: Namespace, name: FunctionName, sticky?: string): FunctionVersion | null;
  /** Resolves with every version that `choose` may return. */
  candidates(namespace: Namespace, name: FunctionName, ref?: VersionRef): Promise<FunctionVersion[]>;
  /**
   * Resolves with the default version of every function of a namespace: that of the alias `live`,
   * or else the newest. `reload` bypasses the cache.
   */
  functions(namespace: Namespace, options?: { reload: boolean }): Promise<readonly FunctionVersion[]>;
  /**
   * Throws `function_not_found` for a name that was never deployed. Deleted functions pass, so that
   * their logs remain accessible.
   */
  assertKnown(namespace: Namespace, name: FunctionName): Promise<void>;
  triggers(namespace: Namespace): Promise<StoredTrigger[]>;
  /** Notifies every process that the namespace's functions or triggers have changed. */
  changed(namespace: Namespace): Promise<void>;
  /** Notifies every process of a new version, so that it can be prepared. */
  deployed(version: FunctionVersion): Promise<void>;
  onDeployed(handler: (version: FunctionVersion) => void): Promise<Unsubscribe>;
}

export async function createCatalog({ store, bus }: { store: Store; bus: Bus }): Promise<Catalog> {
  const functions = freshCache<FunctionVersion>();
  const lists = freshCache<readonly FunctionVersion[]>();
  const triggers = freshCache<StoredTrigger[]>();
  const aliases = freshCache<ReadonlyMap<string, StoredAlias>>();

  const drop = (namespace: string) => {
    functions.drop(`${namespace}/`);
    lists.drop(`${namespace}/`);
    aliases.drop(`${namespace}/`);
    triggers.drop(`${namespace}/`);
  };
  const unsubscribe = await bus.subscribe(CHANNEL, drop);
  const forgetGaps = bus.onGap(() => drop(''));

  const find = (namespace: Namespace, name: FunctionName, version?: number) =>
    functions.get(`${namespace}/${name}@${version ?? ''}`, () =>
      version === undefined
        ? store.functions.latest(namespace, name)
        : store.functions.version(namespace, name, version),
    );

  const resolve = async (namespace: Namespace, name: FunctionName, version?: number) => {
    const found = await find(namespace, name, version);
    if (found) return found;
    throw functionNotFound(namespace, name, version);
  };

  /**
   * Keyed by `function@alias`. A namespace without aliases has an empty map, which is cached too.
   */
  const loadAliases = async (namespace: Namespace) =>
    new Map(
      (await store.aliases.list(namespace)).map((alias) => [`${alias.function}@${alias.alias}`, alias]),
    );

  /**
   * Resolves with null if the alias was not requested explicitly and does not exist; `live` then
   * means the newest version.
   */
  const aliasOf = async (namespace: Namespace, name: FunctionName, ref: Alias | undefined) => {
    const known = await aliases.get(`${namespace}/`, () => loadAliases(namespace));
    const alias = known?.get(`${name}@${ref ?? LIVE_ALIAS}`);
    if (alias !== undefined || ref === undefined) return alias ?? null;
    // The absence of an alias is not cached: another process may have created it meanwhile.
    const fresh = (await loadAliases(namespace)).get(`${name}@${ref}`);
    if (fresh !== undefined) return fresh;
    await resolve(namespace, name);
    throw new AppError(
      'function_not_found',
      `Function "${name}" has no alias "${ref}" in namespace "${namespace}"; list them with GET /v1/functions/${name}/aliases.`,
    );
  };

  const loadServing = async (namespace: Namespace) => {
    const [newest, named] = await Promise.all([
      store.functions.listWithoutEnv(namespace),
      loadAliases(namespace),
    ]);
    return Promise.all(
      newest.map(async (fn) => {
        const live = named.get(`${fn.name}@${LIVE_ALIAS}`);
        if (live === undefined || live.version === fn.version) return fn;
        return (await store.functions.version(namespace, fn.name, live.version)) ?? fn;
      }),
    );
  };

  const peek = (namespace: Namespace, name: FunctionName, sticky?: string) => {
    const known = aliases.peek(`${namespace}/`);
    if (known === null) return null;
    const live = known.get(`${name}@${LIVE_ALIAS}`);
    return functions.peek(`${namespace}/${name}@${live === undefined ? '' : drawVersion(live, sticky)}`);
  };

  return {
    find,
    resolve,
    peek,
    async choose(namespace, name, { ref, sticky } = {}) {
      const ready = ref === undefined ? peek(namespace, name, sticky) : null;
      if (ready !== null) return ready;
      if (typeof ref === 'number') return resolve(namespace, name, ref);
      const alias = await aliasOf(namespace, name, ref);
      return resolve(namespace, name, alias === null ? undefined : drawVersion(alias, sticky));
    },
    async candidates(namespace, name, ref) {
      if (typeof ref === 'number') return [await resolve(namespace, name, ref)];
      const alias = await aliasOf(namespace, name, ref);
      if (alias === null) return [await resolve(namespace, name)];
      const versions = [alias.version, ...Object.keys(alias.weights).map(Number)];
      return Promise.all(versions.map((version) => resolve(namespace, name, version)));
    },
    async functions(namespace, { reload } = { reload: false }) {
      if (reload) lists.drop(`${namespace}/`);
      return (await lists.get(`${namespace}/`, () => loadServing(namespace))) ?? [];
    },
    async assertKnown(namespace, name) {
      if (await find(namespace, name)) return;
      if (!(await store.functions.wasDeployed(namespace, name))) throw functionNotFound(namespace, name);
    },
    async triggers(namespace) {
      return (await triggers.get(`${namespace}/`, () => store.triggers.list(namespace))) ?? [];
    },
    async changed(namespace) {
      drop(namespace);
      // If the bus is unreachable, other processes notice the change within 2 s; the deploy still
      // succeeds.
      await bus.publish(CHANNEL, namespace).catch(() => undefined);
    },
    async deployed(version) {
      // If the bus is unreachable, the version is prepared when it is first called.
      await bus.publish(DEPLOYED, JSON.stringify(version)).catch(() => undefined);
    },
    onDeployed: (handler) => bus.subscribe(DEPLOYED, (message) => handler(JSON.parse(message))),
    async close() {
      await forgetGaps();
      await unsubscribe();
    },
  };
}

/**
 * Creates the error for a function that does not exist. It is also used, with the same message, for
 * one that the caller may not know of.
 */
export function functionNotFound(namespace: Namespace, name: FunctionName, version?: VersionRef): AppError {
  const what =
    typeof version === 'number' ? `version ${version} of function "${name}"` : `function "${name}"`;
  return new AppError(
    'function_not_found',
    `There is no ${what} in namespace "${namespace}"; list what there is with GET /v1/functions.`,
  );
}
