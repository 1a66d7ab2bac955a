import test from 'ava';
import { shared } from '../helpers/shared.js';
import { testDatabaseIsolation } from './function-database-isolation.js';
import { testDatabaseLimits } from './function-database-limits.js';
import { testDatabaseStatements } from './function-database-statements.js';
import { limits, type OpenedFunctionDatabases } from './function-database-table.js';
import { testDatabaseValues } from './function-database-values.js';

/** Tests for every driver of the functions' databases. Each test has its own tables. */
export function testFunctionDatabases(driver: string, open: () => Promise<OpenedFunctionDatabases>): void {
  const get = shared(open);
  testDatabaseStatements(driver, get);
  testDatabaseValues(driver, get);
  testDatabaseIsolation(driver, get);
  testDatabaseLimits(driver, get);

  test(`${driver}: ping succeeds, closing twice has no effect, and a query after close fails`, async (t) => {
    const { databases, namespaces, close } = await open();
    await databases.ping();
    await databases.close();
    await databases.close();
    await t.throwsAsync(databases.query(namespaces[0], 'select 1', [], limits), { code: 'unavailable' });
    await close();
  });
}
