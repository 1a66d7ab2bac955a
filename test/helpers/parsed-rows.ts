import { type FunctionDatabasesOptions, openFunctionDatabases } from '../../db/function-databases/open.js';
import { parseExact } from '../../src/json/exact-json.js';
import type { FunctionDatabases, SqlResult, SqlRows } from '../../src/ports/function-databases.js';

type Row = Record<string, unknown>;
type Parsed<Name extends 'query' | 'select' | 'transaction', Result> = (
  ...args: Parameters<FunctionDatabases[Name]>
) => Promise<Result>;

/** Functions' databases whose rows are parsed, so that tests can compare them. */
export interface ParsedDatabases extends Omit<FunctionDatabases, 'query' | 'select' | 'transaction'> {
  query: Parsed<'query', Row[]>;
  select: Parsed<'select', Row[]>;
  transaction: Parsed<'transaction', (Row[] | SqlResult)[]>;
}

export async function openParsedDatabases(options: FunctionDatabasesOptions): Promise<ParsedDatabases> {
  const databases = await openFunctionDatabases(options);
  return {
    ...databases,
    query: async (...args) => parse(await databases.query(...args)),
    select: async (...args) => parse(await databases.select(...args)),
    transaction: async (...args) =>
      (await databases.transaction(...args)).map((result) => ('count' in result ? parse(result) : result)),
  };
}

function parse({ json, count }: SqlRows): Row[] {
  const rows = parseExact(json) as Row[];
  if (rows.length !== count) throw new Error(`${count} rows were announced, ${rows.length} sent`);
  return rows;
}
