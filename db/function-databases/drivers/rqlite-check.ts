import { AppError } from '../../../src/errors.js';
import { decodeResult } from '../../drivers/rqlite/decode.js';
import { encodeStatements } from '../../drivers/rqlite/encode.js';
import { CONSISTENT_READ, type RqliteTransport } from '../../drivers/rqlite/transport.js';
import { isAllowedModule } from '../allowed-names.js';
import { findRefusedName } from '../calls.js';
import { refused } from '../statement.js';
import { tokenize } from '../tokens.js';

/**
 * Selects the modules of virtual tables in the server's build: many can be read as tables by their
 * name.
 */
const MODULES = 'select distinct lower(name) as name from pragma_module_list';
const ENGINE_TABLES =
  "select count(*) as found from sqlite_master where name in ('schema_migrations', 'api_keys', 'attempts')";

/**
 * Ensures that functions cannot access the engine's secrets, keys and logs, regardless of the
 * settings: throws `bad_config` if the database has the engine's tables. Returns the tables of the
 * server's build and extensions that were not reviewed.
 */
export async function checkServer(transport: RqliteTransport): Promise<ReadonlySet<string>> {
  const { results = [] } = await transport.post(
    `/db/query?blob_array${CONSISTENT_READ}`,
    encodeStatements([
      { sql: ENGINE_TABLES, bindings: [] },
      { sql: MODULES, bindings: [] },
    ]),
    { idempotent: true },
  );
  const [engine, modules] = [0, 1].map((at) => decodeResult(results[at] ?? {}).rows);
  if (engine?.[0]?.found !== 3) {
    const names = (modules ?? []).map(({ name }) => String(name));
    return new Set(names.filter((name) => !isAllowedModule(name) && !name.startsWith('pragma_')));
  }
  throw new AppError(
    'bad_config',
    'FUNCTION_DB_URL names the database in which the engine keeps its own tables; give functions another RQLite.',
  );
}

/** Throws `invalid_sql` if a statement names one of the tables that were not reviewed. */
export function refuseTables(sql: string, unreviewed: ReadonlySet<string>): void {
  const tokens = tokenize(sql);
  const name = typeof tokens === 'string' ? tokens : findRefusedName(tokens, unreviewed);
  if (name !== null)
    throw refused(`${name} may not be used in a statement: it is a table that the server brings`);
}
