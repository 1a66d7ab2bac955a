import { AppError } from '../../src/errors.js';
import { type Token, tokenize } from './tokens.js';

const VERBS = ['select', 'insert', 'update', 'delete', 'replace', 'create', 'alter', 'drop'] as const;
export type Verb = (typeof VERBS)[number];

/** A statement that has passed the guard. */
export interface GuardedStatement {
  sql: string;
  /** What it does in the end: of `WITH … INSERT` it is `insert`. */
  verb: Verb;
}

const MAX_SQL_BYTES = 1 << 20;

/**
 * What SQLite builds come with that reaches beyond the database: files, memory, extensions, settings. libsql's has
 * readfile and writefile, so without this any function could read the master key.
 */
const FORBIDDEN_NAMES = new Set([
  'load_extension',
  'readfile',
  'writefile',
  'fsdir',
  'lsmode',
  'zipfile',
  'carray',
  'sqlite_dbpage',
  'sqlite_stmt',
  'sqlite_log',
  'fts3_tokenizer',
]);
const FORBIDDEN_PREFIXES = ['pragma_', 'sqlite3mc_'];

/**
 * Lets one statement through that stays inside its database; throws `invalid_sql` with a reason for anything else.
 * `query` must only read.
 */
export function guard(sql: string, kind: 'query' | 'exec'): GuardedStatement {
  if (Buffer.byteLength(sql) > MAX_SQL_BYTES)
    throw refused('The statement is longer than 1 MB; pass data as arguments');
  // To SQLite the one is the end of the statement and the other a blank, so that it would read another text than we.
  if (/[\0\ufeff]/.test(sql)) throw refused('The statement holds a NUL or a byte order mark');
  const tokens = tokenize(sql);
  if (tokens === null) throw refused('The statement has a quote that is not closed');

  const statement = withoutEnd(tokens);
  const verb = verbOf(statement);
  for (const token of statement) refuseForbidden(token);
  if (kind === 'query' && verb !== 'select') {
    throw refused(`A query only reads and this is ${an(verb)}; use execute for it`);
  }
  return { sql, verb };
}

/** The one statement, without the semicolon that may end it. */
function withoutEnd(tokens: readonly Token[]): readonly Token[] {
  const end = endOf(tokens);
  if (tokens.slice(end).some((token) => !isMark(token, ';'))) {
    throw refused('Only one statement a call is allowed; make one call for each');
  }
  return tokens.slice(0, end);
}

/** Where the first statement ends. A trigger's body has semicolons of its own, up to the END that closes its BEGIN. */
function endOf(tokens: readonly Token[]): number {
  const first = tokens.findIndex((token) => isMark(token, ';'));
  if (first === -1) return tokens.length;
  const isTrigger =
    isWord(tokens[0], 'create') && tokens.slice(1, 3).some((token) => isWord(token, 'trigger'));
  const begin = isTrigger ? tokens.findIndex((token) => isWord(token, 'begin')) : -1;
  if (begin === -1 || begin > first) return first;

  let openCases = 0;
  for (let at = begin + 1; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (isWord(token, 'case')) openCases += 1;
    else if (isWord(token, 'end')) {
      if (openCases === 0) return at + 1;
      openCases -= 1;
    }
  }
  return tokens.length;
}

function verbOf(tokens: readonly Token[]): Verb {
  const [first] = tokens;
  if (first === undefined) throw refused('The statement is empty');
  const leading = isWord(first, 'with') ? mainVerb(tokens) : first;
  const verb = VERBS.find((known) => isWord(leading, known));
  if (verb === undefined) {
    throw refused(
      `A statement may not begin with ${first.text.slice(0, 40).toUpperCase()}; it begins with ${ALLOWED}`,
    );
  }
  return verb;
}

const ALLOWED = 'SELECT, WITH, INSERT, UPDATE, DELETE, REPLACE, CREATE, ALTER or DROP';

/** Behind WITH: the first verb that is outside of all parentheses. */
function mainVerb(tokens: readonly Token[]): Token | undefined {
  let depth = 0;
  return tokens.find((token) => {
    if (isMark(token, '(')) depth += 1;
    else if (isMark(token, ')')) depth -= 1;
    return depth === 0 && VERBS.some((verb) => isWord(token, verb));
  });
}

/** In any place and any quotes: a name may stand for a function, a table or a module. */
function refuseForbidden({ kind, text }: Token): void {
  if (kind === 'other') {
    // SQLite reads `$a(')` as one parameter: what is a quote to us would be none to it.
    if (/[$@:#]/.test(text)) throw refused('Named parameters are not supported; use ? for each argument');
    return;
  }
  const name = kind === 'quoted' ? text.trim() : text;
  if (FORBIDDEN_NAMES.has(name) || FORBIDDEN_PREFIXES.some((prefix) => name.startsWith(prefix))) {
    throw refused(
      `${name.slice(0, 40)} may not be used in a statement; if it is data, pass it as an argument`,
    );
  }
}

function isWord(token: Token | undefined, text: string): boolean {
  return token?.kind === 'word' && token.text === text;
}

function isMark(token: Token, text: string): boolean {
  return token.kind === 'other' && token.text === text;
}

function an(verb: Verb): string {
  return `${/^[aiu]/.test(verb) ? 'an' : 'a'} ${verb.toUpperCase()}`;
}

function refused(reason: string): AppError {
  return new AppError('invalid_sql', `${reason}.`);
}
