import {
  isAllowedFunction,
  isAllowedModule,
  isFunctionOption,
  isModuleOption,
  isRefusedTable,
  REFUSED_TABLE_LETTERS,
} from './allowed-names.js';
import { mayPrecedeExpression, mayPrecedeParenthesis } from './keywords.js';
import type { SqlTokens } from './tokens.js';

/**
 * Returns the first name in a statement that it may not use, at any position and in any quotes, or
 * null. `extra` are further refused tables, in lower case.
 *
 * A name before a parenthesis counts as a function call unless the grammar does not allow a call at
 * that position. When adding an exception, ensure that SQLite accepts no statement with a call at
 * that position.
 */
export function findRefusedName(tokens: SqlTokens, extra?: ReadonlySet<string>): string | null {
  const closers = matchParentheses(tokens);
  const indexOn = indexTablePosition(tokens);
  const isVirtual = tokens.isWord(0, 'create') && tokens.isWord(1, 'virtual');
  const option = isVirtual ? findRefusedOption(tokens) : null;
  if (option !== null) return option;

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

/**
 * Returns the first option of CREATE VIRTUAL TABLE that is not allowed, or null: an option may name
 * a function without a parenthesis after it.
 */
function findRefusedOption(tokens: SqlTokens): string | null {
  for (let at = 0; at < tokens.length; at += 1) {
    if (!tokens.isMark(at, '=')) continue;
    const option = tokens.word(at - 1);
    if (option !== null && isModuleOption(option)) continue;
    const value = tokens.name(at + 1);
    const isOneName = tokens.isMark(at + 2, ',') || tokens.isMark(at + 2, ')');
    if (option !== null && isFunctionOption(option) && value !== null && isOneName) {
      if (isAllowedFunction(value)) continue;
      return value;
    }
    return tokens.source(at - 1);
  }
  return null;
}

/** A fast check that skips most names: the names of refused tables begin with few letters. */
function mayBeRefused(tokens: SqlTokens, at: number): boolean {
  const start = tokens.start(at);
  const first = tokens.sql.charAt(tokens.kind(at) === 'word' ? start : start + 1);
  return MAY_BEGIN_REFUSED.has(first.toLowerCase()) || first.trim() === '';
}

const MAY_BEGIN_REFUSED: ReadonlySet<string> = new Set(REFUSED_TABLE_LETTERS);
/** The words after which a name is that of a table or a type. */
const TABLE_OR_TYPE = ['into', 'table', 'references', 'exists', 'join', 'in', 'as'];

/**
 * Returns whether the name at `at`, which is followed by a parenthesis, is at a position where the
 * grammar has a table, a column type or a definition.
 */
function isNoCall(tokens: SqlTokens, at: number, places: { closers: Int32Array; indexOn: number }): boolean {
  const before = at - 1;
  // In `main.t (`, the word before the schema name is decisive.
  const qualified = tokens.isMark(before, '.');
  const lead = qualified ? at - 3 : before;

  // The cheapest check first.
  if (!qualified && isDeclaredType(tokens, before)) return true;
  if (TABLE_OR_TYPE.some((word) => tokens.isWord(lead, word))) return true;
  // Except in IS DISTINCT FROM, which is followed by an expression.
  if (tokens.isWord(lead, 'from')) return !tokens.isWord(lead - 1, 'distinct');
  if (lead === places.indexOn) return true;
  if (lead === 1 && tokens.isWord(0, 'create') && tokens.isWord(1, 'view')) return true;
  return isCommonTable(tokens, at, places.closers);
}

/** Matches `name (…) AS [[NOT] MATERIALIZED] (`, which only occurs in WITH and cannot be a call. */
function isCommonTable(tokens: SqlTokens, at: number, closers: Int32Array): boolean {
  let next = (closers[at + 1] ?? -1) + 1;
  if (next === 0 || !tokens.isWord(next, 'as')) return false;
  next += 1;
  if (tokens.isWord(next, 'not')) next += 1;
  if (tokens.isWord(next, 'materialized')) next += 1;
  return tokens.isMark(next, '(');
}

/**
 * Matches `a varchar(10)` and `"b" double precision(5)`: a name directly after another name,
 * without an operator in between, is a type.
 */
function isDeclaredType(tokens: SqlTokens, before: number): boolean {
  if (tokens.kind(before) === 'quoted') return true;
  const word = tokens.word(before);
  return word !== null && !mayPrecedeExpression(word);
}

/** Returns the position of ON in CREATE [UNIQUE] INDEX, or NOWHERE. */
function indexTablePosition(tokens: SqlTokens): number {
  if (!tokens.isWord(0, 'create')) return NOWHERE;
  const index = tokens.isWord(1, 'unique') ? 2 : 1;
  if (!tokens.isWord(index, 'index')) return NOWHERE;
  for (let at = index + 1; at < tokens.length && !tokens.isMark(at, '('); at += 1) {
    if (tokens.isWord(at, 'on')) return at;
  }
  return NOWHERE;
}

const NOWHERE = -2;

/** Returns the position of the matching `)` for each `(`, -1 if there is none. */
function matchParentheses(tokens: SqlTokens): Int32Array {
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
