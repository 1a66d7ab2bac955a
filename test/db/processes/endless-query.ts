import { openFunctionDatabases } from '../../../db/function-databases/open.js';
import { DEFAULT_NAMESPACE } from '../../../src/contract/ids.js';
import { ENDLESS_QUERY } from '../../helpers/endless-query.js';

/**
 * A process with a running SQL statement that never ends. Argument: the directory of the databases.
 */
const [directory = ''] = process.argv.slice(2);
const databases = await openFunctionDatabases({ driver: 'sqlite', directory, maxChildren: 1 });
await databases.query(DEFAULT_NAMESPACE, 'select 1', [], { timeoutMs: 30_000 });
void databases.query(DEFAULT_NAMESPACE, ENDLESS_QUERY, [], { timeoutMs: 300_000 });
console.log('running');
