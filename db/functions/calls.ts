import {
  isAllowedFunction,
  isAllowedModule,
  isRefusedTable,
  REFUSED_TABLE_LETTERS,
} from './allowed-names.js';
import { mayPrecedeExpression, mayPrecedeParenthesis } from './keywords.js';
import type { Tokens } from './tokens.js';

/**
 * The first name of a text that a statement may not use, in any place and any quotes, or null.
 * `from` and `to` are positions of tokens; `extra` are further tables that are refused, in lower
 * case.
 *
 * A name before a parenthesis counts as a call of a function unless the grammar has no call in that
 * place. Whoever adds a place here must know that SQLite accepts no statement with a call in it.
 */
export function findRefusedName(tokens: Tokens, extra?: ReadonlySet<string>): string | null {
  const closers = matchParentheses(tokens);
  const indexOn = indexTablePosition(tokens);
  const isVirtual = tokens.isWord(0, 'create') && tokens.isWord(1, 'virtual');

  for (let at = 0; at < tokens.length; at += 1) {
    const kind = tokens.kind(at);
    if (kind !== 'word' && kind !== 'quoted' && kind !== 'text') continue;
    const isCalled = tokens.isMark(at + 1, '(');
    if (!isCalled && !isVirtual && extra === undefined && !mayBeRefused(tokens, at)) continue;
    const name = tokens.name(at);
    if (name === null) continue;
    const trimmed = kind === 'word' ? name : name.trim();
    if (isRefusedTable(trimmed) || extra?.has(trimmed)) return trimmed;

    if (isVirtual && tokens.isWord(at - 1, 'using')) {
      if (!isAllowedModule(name)) return name;
      continue;
    }
    if (!isCalled || isAllowedFunction(name)) continue;
    if (kind === 'word' && mayPrecedeParenthesis(name)) continue;
    if (isNoCall(tokens, at, { closers, indexOn })) continue;
    return name;
  }
  return null;
}

/** Spares the look at most names: those of refused tables begin with few letters. */
function mayBeRefused(tokens: Tokens, at: number): boolean {
  const start = tokens.start(at);
  const first = tokens.sql.charAt(tokens.kind(at) === 'word' ? start : start + 1);
  return MAY_BEGIN_REFUSED.has(first.toLowerCase()) || first.trim() === '';
}

const MAY_BEGIN_REFUSED: ReadonlySet<string> = new Set(REFUSED_TABLE_LETTERS);
/** What a name follows that is a table's or a type's. */
const TABLE_OR_TYPE = ['into', 'table', 'references', 'exists', 'join', 'in', 'as'];

/**
 * Whether the name at `at`, which a parenthesis follows, stands where the grammar has a table, a
 * column's type or a definition.
 */
function isNoCall(tokens: Tokens, at: number, places: { closers: Int32Array; indexOn: number }): boolean {
  const before = at - 1;
  // `main.t (`: what counts is what precedes the schema's name.
  const qualified = tokens.isMark(before, '.');
  const lead = qualified ? at - 3 : before;

  // The cheapest first.
  if (!qualified && isDeclaredType(tokens, before)) return true;
  if (TABLE_OR_TYPE.some((word) => tokens.isWord(lead, word))) return true;
  // Not of IS DISTINCT FROM, which an expression follows.
  if (tokens.isWord(lead, 'from')) return !tokens.isWord(lead - 1, 'distinct');
  if (lead === places.indexOn) return true;
  if (lead === 1 && tokens.isWord(0, 'create') && tokens.isWord(1, 'view')) return true;
  return isCommonTable(tokens, at, places.closers);
}

/** `name (…) AS [[NOT] MATERIALIZED] (`: of WITH, and of nothing that could be a call. */
function isCommonTable(tokens: Tokens, at: number, closers: Int32Array): boolean {
  let next = (closers[at + 1] ?? -1) + 1;
  if (next === 0 || !tokens.isWord(next, 'as')) return false;
  next += 1;
  if (tokens.isWord(next, 'not')) next += 1;
  if (tokens.isWord(next, 'materialized')) next += 1;
  return tokens.isMark(next, '(');
}

/**
 * `a varchar(10)`, `"b" double precision(5)`: a name directly behind another one, where no operator
 * is between, is a type.
 */
function isDeclaredType(tokens: Tokens, before: number): boolean {
  if (tokens.kind(before) === 'quoted') return true;
  const word = tokens.word(before);
  return word !== null && !mayPrecedeExpression(word);
}

/** Of CREATE [UNIQUE] INDEX the ON before its table, else -2. */
function indexTablePosition(tokens: Tokens): number {
  if (!tokens.isWord(0, 'create')) return NOWHERE;
  const index = tokens.isWord(1, 'unique') ? 2 : 1;
  if (!tokens.isWord(index, 'index')) return NOWHERE;
  for (let at = index + 1; at < tokens.length && !tokens.isMark(at, '('); at += 1) {
    if (tokens.isWord(at, 'on')) return at;
  }
  return NOWHERE;
}

const NOWHERE = -2;

/** For each `(` the place of its `)`, -1 where there is none. */
function matchParentheses(tokens: Tokens): Int32Array {
  const closers = new Int32Array(tokens.length).fill(-1);
  const open: number[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    if (tokens.isMark(at, '(')) open.push(at);
    else if (tokens.isMark(at, ')')) {
      const opener = open.pop();
      if (opener !== undefined) closers[opener] = at;
    }
  }
  return closers;
}
