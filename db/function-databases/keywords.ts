const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** All keywords of SQLite (https://sqlite.org/lang_keywords.html). */
const KEYWORDS =
  words(`abort action add after all alter always analyze and as asc attach autoincrement before begin
  between by cascade case cast check collate column commit conflict constraint create cross current current_date
  current_time current_timestamp database default deferrable deferred delete desc detach distinct do drop each else end
  escape except exclude exclusive exists explain fail filter first following for foreign from full generated glob group
  groups having if ignore immediate in index indexed initially inner insert instead intersect into is isnull join key
  last left like limit match materialized natural no not nothing notnull null nulls of offset on or order others outer
  over partition plan pragma preceding primary query raise range recursive references regexp reindex release rename
  replace restrict returning right rollback row rows savepoint select set table temp temporary then ties to transaction
  trigger unbounded union unique update using vacuum values view virtual when where window with within without`);

/**
 * Keywords that can be column names and that the grammar never has directly before an expression:
 * `key varchar(10)` declares a column and cannot be a call.
 */
const NEVER_BEFORE_EXPRESSION =
  words(`abort action after always asc before begin cascade column conflict current
  deferred desc each end exclusive explain fail first following for generated if ignore immediate
  initially instead key last no nulls of others plan pragma preceding query raise recursive reindex release rename
  restrict rollback row savepoint temp temporary ties trigger unbounded vacuum view virtual without`);

/**
 * Keywords that may be followed by a parenthesis without being a call. Functions with such a name
 * are checked as functions.
 */
const BEFORE_PARENTHESIS =
  words(`all and as between by case cast check conflict default distinct else escape except
  exists filter from glob group groups having in intersect is join key like limit match materialized not offset on or
  over raise range regexp returning rows select set then union unique using values when where`);

export const mayPrecedeExpression = (word: string): boolean =>
  KEYWORDS.has(word) && !NEVER_BEFORE_EXPRESSION.has(word);
export const mayPrecedeParenthesis = (word: string): boolean => BEFORE_PARENTHESIS.has(word);
