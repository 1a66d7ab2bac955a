import { DatabaseSync } from '@photostructure/sqlite';
import test from 'ava';
import { decodeResult, parseResponse } from '../../db/drivers/rqlite/decode.js';
import {
  FUNCTION_GROUPS,
  isAllowedFunction,
  isAllowedModule,
  isRefusedTable,
  MODULE_GROUPS,
  REFUSED_FUNCTION_GROUPS,
} from '../../db/function-databases/allowed-names.js';
import { mayPrecedeParenthesis } from '../../db/function-databases/keywords.js';
import { guard } from '../../db/function-databases/statement.js';
import { onRqlite } from '../helpers/on-rqlite.js';
import { startRqlite } from '../helpers/rqlited.js';

const FUNCTIONS = 'select distinct lower(name) as name from pragma_function_list';
const MODULES = 'select distinct lower(name) as name from pragma_module_list';
const judged = new Set([...FUNCTION_GROUPS, ...REFUSED_FUNCTION_GROUPS].flatMap(({ names }) => names));

function unreviewed(functions: readonly string[], modules: readonly string[]) {
  return {
    functions: functions.filter((name) => !judged.has(name)),
    modules: modules.filter((name) => !isAllowedModule(name) && !isRefusedTable(name)),
    // A keyword before a parenthesis is not recognized as a call.
    hidden: functions.filter((name) => mayPrecedeParenthesis(name) && !isAllowedFunction(name)),
  };
}

const NONE = { functions: [], modules: [], hidden: [] };

test('every function and module of the bundled SQLite is listed as allowed or refused', (t) => {
  const database = new DatabaseSync(':memory:');
  const names = (sql: string) => (database.prepare(sql).all() as { name: string }[]).map(({ name }) => name);
  const [functions, modules] = [names(FUNCTIONS), names(MODULES)];
  database.close();
  t.true(functions.length > 150 && modules.length > 8);
  t.deepEqual(unreviewed(functions, modules), NONE);
});

onRqlite('every function and module is listed as allowed or refused', (binary) => {
  test('every function and module of RQLite is listed as allowed or refused', async (t) => {
    const rqlite = await startRqlite(binary);
    t.teardown(rqlite.close);
    const names = async (sql: string) => {
      const response = await fetch(`${rqlite.urls[0]}/db/query`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify([sql]),
      });
      const { results } = parseResponse(await response.text());
      return decodeResult(results?.[0] ?? {}).rows.map(({ name }) => String(name));
    };
    const [functions, modules] = [await names(FUNCTIONS), await names(MODULES)];
    t.true(functions.length > 100 && modules.length > 8);
    t.deepEqual(unreviewed(functions, modules), NONE);
  });
});

test('each name is in one group, and each group has a reason', (t) => {
  const all = [...FUNCTION_GROUPS, ...REFUSED_FUNCTION_GROUPS].flatMap(({ names }) => names);
  t.is(new Set(all).size, all.length);
  for (const { reason } of [...FUNCTION_GROUPS, ...REFUSED_FUNCTION_GROUPS, ...MODULE_GROUPS])
    t.regex(reason, /\w.*\.$/);
});

test('refused functions are rejected in any case and quoting', (t) => {
  for (const name of REFUSED_FUNCTION_GROUPS.flatMap(({ names }) => names)) {
    for (const written of [name, name.toUpperCase(), `"${name}"`, `\`${name}\``, `[${name}]`]) {
      t.throws(() => guard(`select ${written} (1)`, 'query'), { code: 'invalid_sql' }, written);
    }
  }
});
