import type { Namespace } from '../../src/contract/ids.js';
import { uuidv7 } from '../../src/uuid.js';
import type { ParsedDatabases } from '../helpers/parsed-rows.js';

export interface OpenedFunctionDatabases {
  databases: ParsedDatabases;
  /** Two namespaces with databases of their own. */
  namespaces: readonly [Namespace, Namespace];
  close(): Promise<void>;
}

export type GetDatabases = () => Promise<OpenedFunctionDatabases>;

/** Much longer than these statements take on a busy machine, where they have a low priority. */
export const limits = { timeoutMs: 120_000 };

/** Makes a new table. Returns it with the databases and the first namespace, which has it. */
export async function aTable(get: GetDatabases, columns = 'a') {
  const { databases, namespaces } = await get();
  const [namespace, other] = namespaces;
  const table = `t_${uuidv7().replaceAll('-', '')}`;
  const query = (sql: string, args: unknown[] = []) => databases.query(namespace, sql, args, limits);
  const execute = (sql: string, args: unknown[] = []) => databases.execute(namespace, sql, args, limits);
  await execute(`create table ${table} (id integer primary key, ${columns})`);
  return { databases, namespace, other, table, query, execute };
}
