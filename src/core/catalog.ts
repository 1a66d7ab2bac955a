import type { FunctionVersion } from '../contract/function.js';
import type { FunctionName, Namespace } from '../contract/ids.js';
import { AppError } from '../errors.js';
import type { Bus, Unsubscribe } from '../ports/bus.js';
import type { Closable } from '../ports/closable.js';
import type { Store, StoredTrigger } from '../ports/store.js';
import { freshCache } from './fresh-cache.js';

const CHANNEL = 'catalog';
const DEPLOYED = 'deployed';

/**
 * Functions and triggers as the hot paths see them: cached in the process, dropped by a message from whoever changed
 * them, and in any case never older than 2 s. That something is absent is never cached, so a function just deployed
 * is found everywhere.
 */
export interface Catalog extends Closable {
  /** The version named, or the latest. Throws `function_not_found`. */
  resolve(namespace: Namespace, name: FunctionName, version?: number): Promise<FunctionVersion>;
  find(namespace: Namespace, name: FunctionName, version?: number): Promise<FunctionVersion | null>;
  /** The newest version of every function of a namespace. `reload`: from the store, whatever is cached. */
  functions(namespace: Namespace, options?: { reload: boolean }): Promise<readonly FunctionVersion[]>;
  /** Throws `function_not_found` for a name that was never deployed: what a deleted function has left can still be looked at. */
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

  const drop = (namespace: string) => {
    functions.drop(`${namespace}/`);
    lists.drop(`${namespace}/`);
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

  return {
    find,
    async resolve(namespace, name, version) {
      const found = await find(namespace, name, version);
      if (found) return found;
      throw functionNotFound(namespace, name, version);
    },
    async functions(namespace, { reload } = { reload: false }) {
      if (reload) lists.drop(`${namespace}/`);
      return (await lists.get(`${namespace}/`, () => store.functions.list(namespace))) ?? [];
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
      // The other processes learn it from the bus, or within 2 s without it: a bus that is away fails no deploy.
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
export function functionNotFound(namespace: Namespace, name: FunctionName, version?: number): AppError {
  const what = version === undefined ? `function "${name}"` : `version ${version} of function "${name}"`;
  return new AppError(
    'function_not_found',
    `There is no ${what} in namespace "${namespace}"; list what there is with GET /v1/functions.`,
  );
}
