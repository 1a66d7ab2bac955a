import type { Namespace } from '../../../src/contract/ids.js';
import { AppError } from '../../../src/errors.js';
import { RqliteTransport } from '../../drivers/rqlite/transport.js';
import type { RqliteAddress } from './rqlite-address.js';
import { checkServer } from './rqlite-check.js';

/**
 * The number of clusters with open connections; of those that no statement uses, the least recently
 * used one is closed.
 */
const MAX_CLUSTERS = 1_000;
/**
 * How long a request is retried, in milliseconds: a function waits for its statement, so an early
 * error is better than a wait that takes its whole timeout.
 */
const RETRY_FOR_MS = 3_000;

/**
 * The cluster of a namespace, and the result of the check of its server: the modules that were not
 * reviewed.
 */
interface Cluster {
  transport: RqliteTransport;
  checked: Promise<ReadonlySet<string>> | null;
  /** The number of calls that use the connection or are about to. */
  uses: number;
}

/** The clusters of the namespaces, each checked once and connected when it is first used. */
export class RqliteClusters {
  readonly #address: RqliteAddress;
  readonly #only: Namespace;
  readonly #maxClusters: number;
  /** The least recently used cluster is the first. */
  readonly #clusters = new Map<string, Cluster>();
  #closed = false;

  /**
   * @param only The namespace to which the database belongs if there is a single one.
   * @param maxClusters See MAX_CLUSTERS; smaller in tests.
   */
  constructor(address: RqliteAddress, only: Namespace, maxClusters = MAX_CLUSTERS) {
    this.#address = address;
    this.#only = only;
    this.#maxClusters = maxClusters;
  }

  get isPerNamespace(): boolean {
    return this.#address.isPerNamespace;
  }

  /** Returns whether a namespace may have a database. */
  allows(namespace: Namespace): boolean {
    return this.#address.isPerNamespace || namespace === this.#only;
  }

  /**
   * Runs work with the connection to the namespace's cluster, which stays open meanwhile, and with
   * the tables of its server that were not reviewed. Checks each cluster once, and again only if
   * the check failed.
   */
  async use<T>(
    namespace: Namespace,
    work: (transport: RqliteTransport, unreviewed: ReadonlySet<string>) => Promise<T>,
  ): Promise<T> {
    const cluster = this.#clusterOf(namespace);
    cluster.uses++;
    try {
      cluster.checked ??= checkServer(cluster.transport).catch((error: unknown) => {
        cluster.checked = null;
        throw error;
      });
      return await work(cluster.transport, await cluster.checked);
    } finally {
      cluster.uses--;
      this.#closeUnused();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#clusters.values()].map(({ transport }) => transport.close()));
    this.#clusters.clear();
  }

  #clusterOf(namespace: Namespace): Cluster {
    if (this.#closed) throw new AppError('unavailable', 'The functions’ databases are closed.');
    if (!this.allows(namespace)) {
      throw new AppError(
        'forbidden',
        `The functions’ database belongs to namespace ${this.#only}; the operator gives ${namespace} one of its own ` +
          'with {namespace} in FUNCTION_DB_URL.',
      );
    }
    const key = this.#address.isPerNamespace ? namespace : '';
    const cluster = this.#clusters.get(key) ?? {
      transport: this.#connect(namespace),
      checked: null,
      uses: 0,
    };
    this.#clusters.delete(key);
    this.#clusters.set(key, cluster);
    return cluster;
  }

  /** A write on a connection that is closed meanwhile may have been executed or not. */
  #closeUnused(): void {
    if (this.#clusters.size <= this.#maxClusters) return;
    for (const [oldest, { transport, uses }] of this.#clusters) {
      if (uses > 0) continue;
      this.#clusters.delete(oldest);
      void transport.close();
      if (this.#clusters.size <= this.#maxClusters) return;
    }
  }

  #connect(namespace: Namespace): RqliteTransport {
    return new RqliteTransport({ urls: this.#address.urlsFor(namespace), retryForMs: RETRY_FOR_MS });
  }
}
