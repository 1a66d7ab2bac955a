/** What is known of a statement from its text. */
export type StatementKind =
  | 'read'
  /** A `with` that contains a word of a write, perhaps in a string only. */
  | 'perhaps a read'
  /** A write that can be sent twice without an observable difference. */
  | 'repeatable write'
  /**
   * Any other, also an update or delete: the second one would report no changes. Use
   * `.options({ idempotent: true })` where that is acceptable.
   */
  | 'write';

const READS = /^\s*(select|pragma|explain|values)\b/i;
const WITH = /^\s*with\b/i;
const WRITES = /\b(insert|update|delete|replace)\b/i;
const REPEATABLE =
  /^\s*(insert\s+or\s+ignore|create\s+(unique\s+)?(table|index|view)\s+if\s+not|drop\s+\w+\s+if\s+exists)\b/i;
const ON_CONFLICT = /\bon\s+conflict\b/i;
const DO_NOTHING = /\bdo\s+nothing\s*$/i;

export function kindOf(sql: string): StatementKind {
  const isWith = WITH.test(sql);
  if (isWith ? !WRITES.test(sql) : READS.test(sql)) return 'read';
  if (REPEATABLE.test(sql) || ignoresConflicts(sql)) return 'repeatable write';
  return isWith ? 'perhaps a read' : 'write';
}

/**
 * Returns whether the last statement ends with `on conflict … do nothing`. One pattern for both
 * parts would take a time that grows with the square of the length.
 */
function ignoresConflicts(sql: string): boolean {
  const end = DO_NOTHING.exec(sql)?.index;
  return end !== undefined && ON_CONFLICT.test(sql.slice(sql.lastIndexOf(';', end) + 1, end));
}

/** Returns whether a statement may be sent again when its response was lost. */
export function isRepeatable({ kind }: { kind: StatementKind }): boolean {
  return kind === 'read' || kind === 'repeatable write';
}
