import { type Alias, LIVE_ALIAS, type VersionRef } from '../../contract/alias.js';
import type { FunctionVersion } from '../../contract/function.js';
import type { FunctionName, Namespace } from '../../contract/ids.js';
import { AppError } from '../../errors.js';
import type { Bus, Unsubscribe } from '../../ports/bus.js';
import type { Closable } from '../../ports/closable.js';
import type { StoredAlias } from '../../ports/store/aliases.js';
import type { StoredTrigger } from '../../ports/store/triggers.js';
import type { Store } from '../../ports/store.js';
import { announce, subscribe } from '../bus-subscription.js';
import { freshCache } from '../fresh-cache.js';
import { drawVersion } from './version-draw.js';

/** The default versions of a namespace's functions. */
interface FunctionList {
  /** Read before the functions. */
  stamp: string;
  functions: readonly FunctionVersion[];
}

const CHANNEL = 'catalog';
const DEPLOYED = 'deployed';

/**
 * A cache of functions and triggers for the hot paths. Entries are invalidated over the bus and are
 * never older than 2 s. Absence is never cached, so that a new function is found immediately in
 * every process.
 */
export class Catalog implements Closable {
  readonly #store: Store;
  readonly #bus: Bus;
  readonly #functions = freshCache<FunctionVersion>();
  readonly #lists = freshCache<FunctionList>();
  /** The stamps of the lists that are being loaded. */
  readonly #loading = new Map<Namespace, string>();
  readonly #triggers = freshCache<StoredTrigger[]>();
  /**
   * The aliases of each namespace by `function@alias`. A namespace without aliases has an empty
   * map, which is cached too.
   */
  readonly #aliases = freshCache<ReadonlyMap<string, StoredAlias>>();
  #unsubscribe: Unsubscribe | undefined;

  private constructor({ store, bus }: { store: Store; bus: Bus }) {
    this.#store = store;
    this.#bus = bus;
  }

  static async open(deps: { store: Store; bus: Bus }): Promise<Catalog> {
    const catalog = new Catalog(deps);
    catalog.#unsubscribe = await subscribe(
      deps.bus,
      { [CHANNEL]: (namespace) => catalog.#drop(namespace) },
      () => catalog.#dropAll(),
    );
    return catalog;
  }

  /** Resolves with the given or the latest version. Throws `function_not_found`. */
  async resolve(namespace: Namespace, name: FunctionName, version?: number): Promise<FunctionVersion> {
    const found = await this.find(namespace, name, version);
    if (found) return found;
    const isThere = version !== undefined && (await this.find(namespace, name)) !== null;
    throw functionNotFound(namespace, name, isThere ? version : undefined);
  }

  find(namespace: Namespace, name: FunctionName, version?: number): Promise<FunctionVersion | null> {
    return this.#functions.get(`${namespace}/${name}@${version ?? ''}`, () =>
      version === undefined
        ? this.#store.functions.latest(namespace, name)
        : this.#store.functions.version(namespace, name, version),
    );
  }

  /**
   * Resolves with the version that an invocation runs. Without a reference, this is the alias
   * `live` if the function has it, otherwise the newest version. An alias with weights is resolved
   * randomly, but equally for equal `sticky` texts. Throws `function_not_found`.
   */
  async choose(
    namespace: Namespace,
    name: FunctionName,
    { ref, sticky }: { ref?: VersionRef | undefined; sticky?: string | undefined } = {},
  ): Promise<FunctionVersion> {
    const ready = ref === undefined ? this.peek(namespace, name, sticky) : null;
    if (ready !== null) return ready;
    if (typeof ref === 'number') return this.resolve(namespace, name, ref);
    const alias = await this.#aliasOf(namespace, name, ref);
    return this.resolve(namespace, name, alias === null ? undefined : drawVersion(alias, sticky));
  }

  /**
   * Returns what `choose` resolves with without a reference if everything needed is cached and
   * fresh; otherwise null.
   */
  peek(namespace: Namespace, name: FunctionName, sticky?: string): FunctionVersion | null {
    const known = this.#aliases.peek(namespace);
    if (known === null) return null;
    const live = known.get(`${name}@${LIVE_ALIAS}`);
    const version = live === undefined ? '' : drawVersion(live, sticky);
    return this.#functions.peek(`${namespace}/${name}@${version}`);
  }

  /** Resolves with every version that `choose` may return. */
  async candidates(namespace: Namespace, name: FunctionName, ref?: VersionRef): Promise<FunctionVersion[]> {
    if (typeof ref === 'number') return [await this.resolve(namespace, name, ref)];
    const alias = await this.#aliasOf(namespace, name, ref);
    if (alias === null) return [await this.resolve(namespace, name)];
    const versions = [alias.version, ...Object.keys(alias.weights).map(Number)];
    return Promise.all(versions.map((version) => this.resolve(namespace, name, version)));
  }

  /**
   * Resolves with the default version of every function of a namespace: that of the alias `live`,
   * or else the newest. With `reload`, the list is that of the store, which is read only if the
   * cached one differs from it.
   */
  async functions(
    namespace: Namespace,
    { reload }: { reload: boolean } = { reload: false },
  ): Promise<readonly FunctionVersion[]> {
    const stamp = reload ? await this.#store.functions.stamp(namespace) : undefined;
    if (stamp !== undefined && !this.#hasList(namespace, stamp)) this.#lists.drop(namespace);
    const list = await this.#lists.get(namespace, () => this.#loadList(namespace, stamp));
    return list?.functions ?? [];
  }

  /**
   * Throws `function_not_found` for a name that was never deployed. Deleted functions pass, so that
   * their logs remain accessible.
   */
  async assertKnown(namespace: Namespace, name: FunctionName): Promise<void> {
    if (await this.find(namespace, name)) return;
    if (!(await this.#store.functions.wasDeployed(namespace, name))) throw functionNotFound(namespace, name);
  }

  async triggers(namespace: Namespace): Promise<StoredTrigger[]> {
    return (await this.#triggers.get(namespace, () => this.#store.triggers.list(namespace))) ?? [];
  }

  /** Notifies every process that the namespace's functions or triggers have changed. */
  async changed(namespace: Namespace): Promise<void> {
    this.#drop(namespace);
    await announce(this.#bus, CHANNEL, namespace);
  }

  /** Notifies every process of a new version, so that it can be prepared. */
  async deployed(version: FunctionVersion): Promise<void> {
    // If the bus is unreachable, the version is prepared when it is first called.
    await this.#bus.publish(DEPLOYED, JSON.stringify(version)).catch(() => undefined);
  }

  onDeployed(handler: (version: FunctionVersion) => void): Promise<Unsubscribe> {
    return this.#bus.subscribe(DEPLOYED, (message) => handler(JSON.parse(message)));
  }

  async close(): Promise<void> {
    await this.#unsubscribe?.();
  }

  #drop(namespace: string): void {
    this.#functions.dropPrefix(`${namespace}/`);
    for (const cache of [this.#lists, this.#aliases, this.#triggers]) cache.drop(namespace);
  }

  #dropAll(): void {
    for (const cache of [this.#functions, this.#lists, this.#aliases, this.#triggers]) cache.dropAll();
  }

  /**
   * Resolves with null if the alias was not requested explicitly and does not exist; `live` then
   * means the newest version.
   */
  async #aliasOf(
    namespace: Namespace,
    name: FunctionName,
    ref: Alias | undefined,
  ): Promise<StoredAlias | null> {
    const known = await this.#aliases.get(namespace, () => this.#loadAliases(namespace));
    const alias = known?.get(`${name}@${ref ?? LIVE_ALIAS}`);
    if (alias !== undefined || ref === undefined) return alias ?? null;
    // The absence of an alias is not cached: another process may have created it meanwhile.
    const fresh = (await this.#loadAliases(namespace)).get(`${name}@${ref}`);
    if (fresh !== undefined) return fresh;
    await this.resolve(namespace, name);
    throw new AppError(
      'function_not_found',
      `Function "${name}" has no alias "${ref}" in namespace "${namespace}"; list them with GET /v1/functions/${name}/aliases.`,
    );
  }

  async #loadAliases(namespace: Namespace): Promise<Map<string, StoredAlias>> {
    const aliases = await this.#store.aliases.list(namespace);
    return new Map(aliases.map((alias) => [`${alias.function}@${alias.alias}`, alias]));
  }

  /** Returns whether the list of this stamp is cached, or is being loaded. */
  #hasList(namespace: Namespace, stamp: string): boolean {
    return this.#lists.peek(namespace)?.stamp === stamp || this.#loading.get(namespace) === stamp;
  }

  async #loadList(namespace: Namespace, known: string | undefined): Promise<FunctionList> {
    const stamp = known ?? (await this.#store.functions.stamp(namespace));
    this.#loading.set(namespace, stamp);
    try {
      return { stamp, functions: await this.#loadDefaults(namespace) };
    } finally {
      if (this.#loading.get(namespace) === stamp) this.#loading.delete(namespace);
    }
  }

  async #loadDefaults(namespace: Namespace): Promise<readonly FunctionVersion[]> {
    const [newest, named] = await Promise.all([
      this.#store.functions.listWithoutEnv(namespace),
      this.#loadAliases(namespace),
    ]);
    return Promise.all(
      newest.map(async (fn) => {
        const live = named.get(`${fn.name}@${LIVE_ALIAS}`);
        if (live === undefined || live.version === fn.version) return fn;
        return (await this.#store.functions.version(namespace, fn.name, live.version)) ?? fn;
      }),
    );
  }
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
