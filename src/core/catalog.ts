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
 * Functions and triggers as the hot paths see them: cached in the process, dropped by a message
 * from whoever changed them, and in any case never older than 2 s. That something is absent is
 * never cached, so a function just deployed is found everywhere.
 */
export interface Catalog extends Closable {
  /** The version named, or the latest. Throws `function_not_found`. */
  resolve(namespace: Namespace, name: FunctionName, version?: number): Promise<FunctionVersion>;
  find(namespace: Namespace, name: FunctionName, version?: number): Promise<FunctionVersion | null>;
  /**
   * The version that an invocation runs. Without a reference: the alias `live` where the function
   * has it, else the newest. An alias with weights is drawn from, the same for equal `sticky`
   * texts. Throws `function_not_found`.
   */
  choose(
    namespace: Namespace,
    name: FunctionName,
    options?: { ref?: VersionRef | undefined; sticky?: string | undefined },
  ): Promise<FunctionVersion>;
  /**
   * What `choose` gives without a reference, if all that decides it is cached and fresh; else null.
   */
  peek(namespace: Namespace, name: FunctionName): FunctionVersion | null;
  /** Every version that `choose` may give. */
  candidates(namespace: Namespace, name: FunctionName, ref?: VersionRef): Promise<FunctionVersion[]>;
  /**
   * Of every function of a namespace the version that serves by default: that of the alias `live`,
   * else the newest. `reload`: from the store, whatever is cached.
   */
  functions(namespace: Namespace, options?: { reload: boolean }): Promise<readonly FunctionVersion[]>;
  /**
   * Throws `function_not_found` for a name that was never deployed: what a deleted function has
   * left can still be looked at.
   */
  assertKnown(namespace: Namespace, name: FunctionName): Promise<void>;
  triggers(namespace: Namespace): Promise<StoredTrigger[]>;
  /** Tells every process that this namespace's functions or triggers have changed. */
  changed(namespace: Namespace): Promise<void>;
  /** Tells every process of a version that will be called before long. */
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
   * By `function@alias`. A namespace without any has an empty map, which is cached as every other
   * one is.
   */
  const loadAliases = async (namespace: Namespace) =>
    new Map(
      (await store.aliases.list(namespace)).map((alias) => [`${alias.function}@${alias.alias}`, alias]),
    );

  /** Null when the function has no such alias; `live` then stands for the newest version. */
  const aliasOf = async (namespace: Namespace, name: FunctionName, ref: Alias | undefined) => {
    const known = await aliases.get(`${namespace}/`, () => loadAliases(namespace));
    const alias = known?.get(`${name}@${ref ?? LIVE_ALIAS}`);
    if (alias !== undefined || ref === undefined) return alias ?? null;
    // That an alias is absent is never remembered, as it may have been made by another process.
    const fresh = (await loadAliases(namespace)).get(`${name}@${ref}`);
    if (fresh !== undefined) return fresh;
    await resolve(namespace, name);
    throw new AppError(
      'function_not_found',
      `Function "${name}" has no alias "${ref}" in namespace "${namespace}"; list them with GET /v1/functions/${name}/aliases.`,
    );
  };

  const loadServing = async (namespace: Namespace) => {
    const [newest, named] = await Promise.all([store.functions.list(namespace), loadAliases(namespace)]);
    return Promise.all(
      newest.map(async (fn) => {
        const live = named.get(`${fn.name}@${LIVE_ALIAS}`);
        if (live === undefined || live.version === fn.version) return fn;
        return (await store.functions.version(namespace, fn.name, live.version)) ?? fn;
      }),
    );
  };

  return {
    find,
    resolve,
    peek(namespace, name) {
      const known = aliases.peek(`${namespace}/`);
      if (known === null) return null;
      const live = known.get(`${name}@${LIVE_ALIAS}`);
      return functions.peek(`${namespace}/${name}@${live === undefined ? '' : drawVersion(live, undefined)}`);
    },
    async choose(namespace, name, { ref, sticky } = {}) {
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
      // The other processes learn it from the bus, or within 2 s without it: a bus that is away
      // fails no deploy.
      await bus.publish(CHANNEL, namespace).catch(() => undefined);
    },
    async deployed(version) {
      // With the bus away it is made ready when it is called.
      await bus.publish(DEPLOYED, JSON.stringify(version)).catch(() => undefined);
    },
    onDeployed: (handler) => bus.subscribe(DEPLOYED, (message) => handler(JSON.parse(message))),
    async close() {
      await forgetGaps();
      await unsubscribe();
    },
  };
}

/** Said of what does not exist and of what the caller may not know to exist, in the same words. */
export function functionNotFound(namespace: Namespace, name: FunctionName, version?: VersionRef): AppError {
  const what =
    typeof version === 'number' ? `version ${version} of function "${name}"` : `function "${name}"`;
  return new AppError(
    'function_not_found',
    `There is no ${what} in namespace "${namespace}"; list what there is with GET /v1/functions.`,
  );
}
