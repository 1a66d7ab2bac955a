import type { Namespace } from '../../../src/contract/ids.js';
import type { SqlOptions } from '../../../src/ports/function-databases.js';
import { decodeResult } from '../../drivers/rqlite/decode.js';
import { encodeStatements } from '../../drivers/rqlite/encode.js';
import { CONSISTENT_READ } from '../../drivers/rqlite/transport.js';
import { forOperator } from '../../for-operator.js';
import type { BoundStatement, Executor, StatementOutcome } from '../executor.js';
import { guard } from '../statement.js';
import { parseAddress } from './rqlite-address.js';
import { refuseTables } from './rqlite-check.js';
import { RqliteClusters } from './rqlite-clusters.js';
import { toAppError } from './rqlite-errors.js';
import { send } from './rqlite-statements.js';

export interface RqliteExecutorOptions {
  /**
   * The nodes of a cluster, comma-separated. With `{namespace}`, each namespace has its own RQLite;
   * without, there is a single one that only `namespace` may use.
   */
  url: string;
  namespace: Namespace;
}

const SIZE = 'select page_count * page_size as bytes from pragma_page_count(), pragma_page_size()';
const SIZE_TIMEOUT_MS = 30_000;

/**
 * Opens the functions' databases on RQLite. Rejects with `unavailable`, or with `bad_config` when
 * the URL is that of the engine's own database.
 */
export async function openRqliteExecutor(options: RqliteExecutorOptions): Promise<Executor> {
  const executor = new RqliteExecutor(options);
  // Detect a wrong address at start rather than in the first function.
  await executor.ping().catch(async (error: unknown) => {
    await executor.close();
    throw forOperator(error);
  });
  return executor;
}

class RqliteExecutor implements Executor {
  readonly limitsBytes = false;
  readonly #only: Namespace;
  readonly #clusters: RqliteClusters;

  constructor({ url, namespace }: RqliteExecutorOptions) {
    this.#only = namespace;
    this.#clusters = new RqliteClusters(parseAddress(url), namespace);
  }

  async run(
    namespace: Namespace,
    operations: readonly BoundStatement[],
    options: SqlOptions,
  ): Promise<StatementOutcome[]> {
    try {
      return await this.#clusters.use(namespace, (transport, unreviewed) => {
        if (unreviewed.size > 0) for (const { sql } of operations) refuseTables(sql, unreviewed);
        return send(transport, operations, options);
      });
    } catch (error) {
      throw toAppError(error, options.timeoutMs, operations.length > 1);
    }
  }

  async bytes(namespace: Namespace): Promise<number> {
    if (!this.#clusters.allows(namespace)) return 0;
    try {
      const body = encodeStatements([{ sql: SIZE, bindings: [] }]);
      const path = `/db/query?blob_array${CONSISTENT_READ}`;
      const { results = [] } = await this.#clusters.use(namespace, (transport) =>
        transport.post(path, body, { idempotent: true }),
      );
      return Number(decodeResult(results[0] ?? {}).rows[0]?.bytes ?? 0);
    } catch (error) {
      throw toAppError(error, SIZE_TIMEOUT_MS, false);
    }
  }

  async ping(): Promise<void> {
    // There is no list of namespaces to check; with one database each, an invocation reports the
    // error.
    if (this.#clusters.isPerNamespace) return;
    await this.run(this.#only, [{ kind: 'query', ...guard('select 1', 'query'), args: [] }], {
      timeoutMs: 5_000,
    });
  }

  close(): Promise<void> {
    return this.#clusters.close();
  }
}
