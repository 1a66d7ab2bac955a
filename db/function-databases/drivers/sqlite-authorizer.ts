import { constants } from '@photostructure/sqlite';
import { isAllowedFunction, isAllowedModule, isRefusedTable } from '../allowed-names.js';

/**
 * The check that does not parse SQL. SQLite calls it for each statement that it compiles, including
 * the views, triggers and virtual tables behind it, to ask whether an action on a resolved name is
 * allowed. Everything that is not listed is denied: ATTACH, DETACH, PRAGMA, SAVEPOINT, and all
 * temporary objects.
 */
export class Authorizer {
  /** Set while the engine's own pragmas and transactions are compiled. */
  #trusted = false;

  readonly decide = (
    action: number,
    first: string | null,
    second: string | null,
    schema: string | null,
  ): number =>
    this.#trusted || isAllowed(action, first, second, schema) ? constants.SQLITE_OK : constants.SQLITE_DENY;

  /** Runs a statement of the engine, without checks. */
  trust<T>(run: () => T): T {
    this.#trusted = true;
    try {
      return run();
    } finally {
      this.#trusted = false;
    }
  }
}

/** Actions on tables, indexes, views and triggers, whose names belong to the namespace. */
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

/**
 * Functions that SQLite calls to rewrite the schema for ALTER TABLE. SQLite does not allow
 * statements to call them.
 */
const INTERNAL_FUNCTION = /^sqlite_(rename|drop|add|find)_|^sqlite_fail$/;
/** Read-only pragmas that FTS5, FTS3 and R*Tree use on their own tables. */
const INTERNAL_PRAGMAS: ReadonlySet<string> = new Set(['data_version', 'page_size']);
/**
 * The read-only pragma with which ALTER TABLE checks whether existing rows satisfy a new
 * constraint.
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
      // ALTER TABLE also renames in the temporary schema.
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
