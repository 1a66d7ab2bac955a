import { constants } from '@photostructure/sqlite';
import { isAllowedFunction, isAllowedModule, isRefusedTable } from '../allowed-names.js';

/**
 * The wall that reads no SQL. SQLite itself asks it, for each statement that it compiles and for
 * what stands in views, triggers and virtual tables behind it, whether an action on a name that it
 * has resolved is allowed. What is not listed is denied: ATTACH, DETACH, PRAGMA, SAVEPOINT, and all
 * that is temporary.
 */
export class Authorizer {
  /** While the engine's own pragmas and transactions are compiled. */
  #trusted = false;

  readonly decide = (
    action: number,
    first: string | null,
    second: string | null,
    schema: string | null,
  ): number =>
    this.#trusted || isAllowed(action, first, second, schema) ? constants.SQLITE_OK : constants.SQLITE_DENY;

  /** Runs what is the engine's, not a function's. */
  trust<T>(run: () => T): T {
    this.#trusted = true;
    try {
      return run();
    } finally {
      this.#trusted = false;
    }
  }
}

/** Actions on tables, indexes, views and triggers, whose own names are the namespace's. */
const OWN: ReadonlySet<number> = new Set([
  constants.SQLITE_SELECT,
  constants.SQLITE_RECURSIVE,
  constants.SQLITE_CREATE_TABLE,
  constants.SQLITE_CREATE_INDEX,
  constants.SQLITE_CREATE_VIEW,
  constants.SQLITE_CREATE_TRIGGER,
  constants.SQLITE_DROP_TABLE,
  constants.SQLITE_DROP_INDEX,
  constants.SQLITE_DROP_VIEW,
  constants.SQLITE_DROP_TRIGGER,
  constants.SQLITE_DROP_VTABLE,
  constants.SQLITE_ALTER_TABLE,
  constants.SQLITE_REINDEX,
]);

/** What SQLite calls to rewrite a schema for ALTER TABLE. It lets nobody else call them. */
const INTERNAL_FUNCTION = /^sqlite_(rename|drop|add|find)_|^sqlite_fail$/;
/** What FTS5, FTS3 and R*Tree ask of their own tables; they are read-only. */
const INTERNAL_PRAGMAS: ReadonlySet<string> = new Set(['data_version', 'page_size']);
/**
 * By which ALTER TABLE looks whether the rows that are there fit a new constraint. It only reads.
 */
const QUICK_CHECK = 'quick_check';

function isAllowed(
  action: number,
  first: string | null,
  second: string | null,
  schema: string | null,
): boolean {
  if (OWN.has(action)) return schema !== 'temp';
  const name = (first ?? '').toLowerCase();
  const detail = (second ?? '').toLowerCase();
  switch (action) {
    case constants.SQLITE_READ:
      return !isRefusedTable(name) || name === `pragma_${QUICK_CHECK}`;
    case constants.SQLITE_UPDATE:
    case constants.SQLITE_DELETE:
      // ALTER TABLE renames in the schema of what is temporary too.
      return !isRefusedTable(name);
    case constants.SQLITE_INSERT:
      return schema !== 'temp' && !isRefusedTable(name);
    case constants.SQLITE_FUNCTION:
      return isAllowedFunction(detail) || INTERNAL_FUNCTION.test(detail);
    case constants.SQLITE_CREATE_VTABLE:
      return schema !== 'temp' && isAllowedModule(detail);
    case constants.SQLITE_PRAGMA:
      return (INTERNAL_PRAGMAS.has(name) && second === null) || name === QUICK_CHECK;
    default:
      return false;
  }
}
