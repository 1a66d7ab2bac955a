/**
 * SQLite's lexical rules, as far as a guard needs them: what is a word, what is quoted, and where comments
 * and literals end, so that nothing hides in one.
 */
export type Token =
  /** A bare word, in lower case: keyword or identifier. */
  | { kind: 'word'; text: string }
  /** "x", `x`, [x] or 'x', unquoted: SQLite takes each of them for a name where the grammar wants one. */
  | { kind: 'quoted'; text: string }
  /** Any other single character. */
  | { kind: 'other'; text: string };

const SPACE = /[ \t\n\f\r]+/y;
const LINE_COMMENT = /--[^\n]*/y;
/** One that is not closed runs to the end, as in SQLite. */
const BLOCK_COMMENT = /\/\*[\s\S]*?(?:\*\/|$)/y;
const QUOTED = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]/y;
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;

/** null when a literal or a quoted name is not closed. */
export function tokenize(sql: string): Token[] | null {
  const tokens: Token[] = [];
  let at = 0;

  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(sql)?.[0] ?? null;
    if (found !== null) at += found.length;
    return found;
  };

  while (at < sql.length) {
    if (take(SPACE) !== null || take(LINE_COMMENT) !== null || take(BLOCK_COMMENT) !== null) continue;
    const quoted = take(QUOTED);
    if (quoted !== null) {
      tokens.push({ kind: 'quoted', text: unquote(quoted) });
      continue;
    }
    const word = take(WORD);
    if (word !== null) {
      tokens.push({ kind: 'word', text: word.toLowerCase() });
      continue;
    }
    const other = sql.charAt(at++);
    if (/['"`[]/.test(other)) return null;
    tokens.push({ kind: 'other', text: other });
  }
  return tokens;
}

function unquote(quoted: string): string {
  const mark = quoted.charAt(0);
  const inner = quoted.slice(1, -1);
  return (mark === '[' ? inner : inner.replaceAll(mark + mark, mark)).toLowerCase();
}
