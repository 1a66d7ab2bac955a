/**
 * The kinds of tokens that the guard distinguishes. `quoted` is a name in "x", `x` or [x]; `text`
 * is a literal in 'x'.
 */
export type TokenKind = 'word' | 'quoted' | 'text' | 'number' | 'parameter' | 'mark';

/** Codes below those of printable characters; the code of a mark is its own character. */
const [WORD, QUOTED, TEXT, NUMBER, PARAMETER] = [0, 1, 2, 3, 4] as const;
const KINDS: readonly TokenKind[] = ['word', 'quoted', 'text', 'number', 'parameter'];
/** Marks a character that is invalid in SQL outside quotes. */
const OTHER_MARK = 0xff;

/** Why a text cannot be tokenized. */
export type TokenFault = 'unclosed' | 'named-parameter';

/** The tokens of a text, without whitespace and comments. */
export class SqlTokens {
  readonly sql: string;
  readonly length: number;
  readonly hasComment: boolean;
  readonly #kinds: Uint8Array;
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array;

  constructor(
    sql: string,
    found: { kinds: Uint8Array; starts: Uint32Array; ends: Uint32Array; length: number; hasComment: boolean },
  ) {
    this.sql = sql;
    this.length = found.length;
    this.hasComment = found.hasComment;
    this.#kinds = found.kinds;
    this.#starts = found.starts;
    this.#ends = found.ends;
  }

  kind(at: number): TokenKind | undefined {
    if (at < 0 || at >= this.length) return undefined;
    return KINDS[this.#kinds[at] ?? OTHER_MARK] ?? 'mark';
  }

  start(at: number): number {
    return this.#starts[at] ?? this.sql.length;
  }

  end(at: number): number {
    return this.#ends[at] ?? this.sql.length;
  }

  /** Returns the token as written. */
  source(at: number): string {
    return this.sql.slice(this.start(at), this.end(at));
  }

  isMark(at: number, mark: string): boolean {
    return at >= 0 && at < this.length && this.#kinds[at] === mark.charCodeAt(0);
  }

  /** Returns the unquoted word in lower case; null for other tokens. */
  word(at: number): string | null {
    return this.kind(at) === 'word' ? this.source(at).toLowerCase() : null;
  }

  /**
   * Returns whether the token is this unquoted word; `word` must be in lower case. Allocates
   * nothing, because it is called for every word.
   */
  isWord(at: number, word: string): boolean {
    if (at < 0 || at >= this.length || this.#kinds[at] !== WORD) return false;
    const start = this.start(at);
    if (this.end(at) - start !== word.length) return false;
    for (let offset = 0; offset < word.length; offset += 1) {
      if (lower(this.sql.charCodeAt(start + offset)) !== word.charCodeAt(offset)) return false;
    }
    return true;
  }

  /**
   * Returns a word, or a quoted name or text without its quotes, in lower case: in some positions,
   * SQLite treats each of them as a name.
   */
  name(at: number): string | null {
    switch (this.kind(at)) {
      case 'word':
        return this.source(at).toLowerCase();
      case 'quoted':
      case 'text':
        return unquote(this.source(at)).toLowerCase();
      default:
        return null;
    }
  }
}

/**
 * The character classes of SQLite's tokenizer for ASCII; all other characters are part of words.
 */
const BLANK = 1;
const IDENTIFIER = 2;
const DIGIT = 4;
const classes = new Uint8Array(128);
for (const blank of ' \t\n\f\r') classes[blank.charCodeAt(0)] = BLANK;
for (let code = 0; code < 128; code += 1) {
  const character = String.fromCharCode(code);
  if (/[0-9]/.test(character)) classes[code] = IDENTIFIER | DIGIT;
  else if (/[A-Za-z_$]/.test(character)) classes[code] = IDENTIFIER;
}

/**
 * Tokenizes a text by SQLite's lexical rules (`sqlite3GetToken` in tokenize.c), in one pass. The
 * result for a text that SQLite rejects is arbitrary, because SQLite does not run it.
 */
export function tokenize(sql: string): SqlTokens | TokenFault {
  const kinds = new Uint8Array(sql.length);
  const starts = new Uint32Array(sql.length);
  const ends = new Uint32Array(sql.length);
  let length = 0;
  let hasComment = false;
  let at = 0;

  while (at < sql.length) {
    const start = at;
    const code = sql.charCodeAt(at);
    const next = sql.charCodeAt(at + 1);
    let kind: number = code > 0x20 && code < 0x7f ? code : OTHER_MARK;

    if (isOf(code, BLANK)) {
      at += 1;
      continue;
    }
    if (code === DASH && next === DASH) {
      at = after(sql, '\n', at + 2) ?? sql.length;
      hasComment = true;
      continue;
    }
    // SQLite requires a character after `/*`; otherwise these are two marks.
    if (code === SLASH && next === STAR && at + 2 < sql.length) {
      at = after(sql, '*/', at + 2) ?? sql.length;
      hasComment = true;
      continue;
    }
    if (code === QUOTE || code === DOUBLE_QUOTE || code === BACKTICK) {
      const end = endOfQuoted(sql, at);
      if (end === null) return 'unclosed';
      at = end;
      kind = code === QUOTE ? TEXT : QUOTED;
    } else if (code === BRACKET) {
      const end = after(sql, ']', at + 1);
      if (end === null) return 'unclosed';
      at = end;
      kind = QUOTED;
    } else if (isOf(code, DIGIT) || (code === DOT && isOf(next, DIGIT))) {
      at = endOfNumber(sql, at);
      kind = NUMBER;
    } else if (code === QUESTION) {
      at += 1;
      while (isOf(sql.charCodeAt(at), DIGIT)) at += 1;
      kind = PARAMETER;
    } else if (code === DOLLAR || code === AT || code === COLON || code === HASH) {
      // SQLite reads `$a(')` as one parameter, so an apparent quote would not be one.
      return 'named-parameter';
    } else if ((code | 0x20) === LETTER_X && next === QUOTE) {
      const end = endOfQuoted(sql, at + 1);
      if (end === null) return 'unclosed';
      at = end;
      kind = NUMBER;
    } else if (isOf(code, IDENTIFIER)) {
      at += 1;
      while (isOf(sql.charCodeAt(at), IDENTIFIER)) at += 1;
      kind = WORD;
    } else {
      at += 1;
    }

    kinds[length] = kind;
    starts[length] = start;
    ends[length] = at;
    length += 1;
  }
  return new SqlTokens(sql, { kinds, starts, ends, length, hasComment });
}

const [DASH, SLASH, STAR, DOT, QUESTION] = [0x2d, 0x2f, 0x2a, 0x2e, 0x3f];
const [QUOTE, DOUBLE_QUOTE, BACKTICK, BRACKET] = [0x27, 0x22, 0x60, 0x5b];
const [DOLLAR, AT, COLON, HASH, LETTER_X] = [0x24, 0x40, 0x3a, 0x23, 0x78];

/** SQL keywords are case-insensitive for ASCII letters only. */
function lower(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
}

/** NaN, the code after the end, is in no class. */
function isOf(code: number, wanted: number): boolean {
  return code < 128 ? ((classes[code] ?? 0) & wanted) !== 0 : code >= 128 && wanted === IDENTIFIER;
}

function after(sql: string, mark: string, from: number): number | null {
  const found = sql.indexOf(mark, from);
  return found === -1 ? null : found + mark.length;
}

/** A doubled quote represents a single one. */
function endOfQuoted(sql: string, start: number): number | null {
  const quote = sql.charAt(start);
  for (let at = start + 1; ; at += 2) {
    const found = sql.indexOf(quote, at);
    if (found === -1) return null;
    if (sql.charAt(found + 1) !== quote) return found + 1;
    at = found;
  }
}

/**
 * Returns the end of a number, including forms such as 0x1F, 1_000 and 1.5e-3. For trailing
 * letters, SQLite reports an error.
 */
function endOfNumber(sql: string, start: number): number {
  let at = start;
  for (;;) {
    const code = sql.charCodeAt(at);
    if (isOf(code, IDENTIFIER) || code === DOT) at += 1;
    else if ((code === PLUS || code === DASH) && isExponent(sql, start, at)) at += 1;
    else return at;
  }
}

const PLUS = 0x2b;
const LETTER_E = 0x65;

/**
 * Returns whether the sign at `at` belongs to an exponent: it follows an `e` in a non-hexadecimal
 * number and precedes a digit.
 */
function isExponent(sql: string, start: number, at: number): boolean {
  return (
    (sql.charCodeAt(at - 1) | 0x20) === LETTER_E &&
    (sql.charCodeAt(start + 1) | 0x20) !== LETTER_X &&
    isOf(sql.charCodeAt(at + 1), DIGIT)
  );
}

function unquote(quoted: string): string {
  const quote = quoted.charAt(0);
  const inner = quoted.slice(1, -1);
  return quote === '[' ? inner : inner.replaceAll(quote + quote, quote);
}
