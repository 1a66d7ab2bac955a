import { AppError } from '../../src/errors.js';
import { findRefusedName } from './calls.js';
import { assertArgumentCount, findParameters, type Parameter } from './parameters.js';
import { type SqlTokens, tokenize } from './tokens.js';

const VERBS = ['select', 'insert', 'update', 'delete', 'replace', 'create', 'alter', 'drop'] as const;
export type Verb = (typeof VERBS)[number];

/** A statement that has passed the guard. */
export interface GuardedStatement {
  /** The statement without a trailing semicolon: it contains no `;` except in a trigger's body. */
  sql: string;
  /** The effective verb: `insert` for `WITH … INSERT`. */
  verb: Verb;
  parameters: readonly Parameter[];
}

/** The maximum length of a statement in bytes. */
const MAX_SQL_BYTES = 100 << 10;

/**
 * Validates that the text is a single statement that stays within its database; throws
 * `invalid_sql` with the reason otherwise. A `query` must only read. Takes time linear in the
 * length of the text.
 */
export function guard(sql: string, kind: 'query' | 'exec'): GuardedStatement {
  const tokens = read(sql, 'statement');
  const length = statementLength(tokens);
  const verb = verbOf(tokens, length);
  refuseTemporary(tokens);
  refuseNames(tokens);
  if (kind === 'query' && verb !== 'select') {
    throw refused(`A query only reads and this is ${an(verb)}; use execute for it`);
  }
  return { sql: sql.slice(0, tokens.end(length - 1)), verb, parameters: findParameters(tokens) };
}

/** Like `guard`, and checks that there is one argument per parameter. */
export function guardWithArguments(sql: string, kind: 'query' | 'exec', given: number): GuardedStatement {
  const statement = guard(sql, kind);
  assertArgumentCount(statement.parameters, given);
  return statement;
}

/**
 * Returns the tokens of a text. Throws `invalid_sql` when the text is too long, or would be
 * tokenized differently by SQLite.
 *
 * @param what What the text is, for the error message.
 */
export function read(sql: string, what: string): SqlTokens {
  if (sql.length > MAX_SQL_BYTES || Buffer.byteLength(sql) > MAX_SQL_BYTES)
    throw refused(`The ${what} is longer than 100 KB; pass data as arguments`);
  // SQLite treats NUL as the end of the text and a byte order mark as a space.
  if (sql.includes('\0') || sql.includes('\ufeff'))
    throw refused(`The ${what} holds a NUL or a byte order mark`);
  const tokens = tokenize(sql);
  if (tokens === 'unclosed') throw refused(`The ${what} has a quote that is not closed`);
  if (tokens === 'named-parameter')
    throw refused('Named parameters are not supported; use ? for each argument');
  return tokens;
}

/** Throws `invalid_sql` that names the first function or table that is not allowed. */
export function refuseNames(tokens: SqlTokens): void {
  const name = findRefusedName(tokens);
  if (name === null) return;
  throw refused(
    `${name.slice(0, 40)} may not be used in a statement: it is none of the functions and tables that are allowed; ` +
      'if it is data, pass it as an argument',
  );
}

/** Returns the number of tokens of the single statement, without trailing semicolons. */
function statementLength(tokens: SqlTokens): number {
  const length =
    tokens.isWord(0, 'create') && tokens.isWord(1, 'trigger') ? triggerLength(tokens) : firstEnd(tokens);
  for (let at = length; at < tokens.length; at += 1) {
    if (!tokens.isMark(at, ';'))
      throw refused('Only one statement a call is allowed; make one call for each');
  }
  return length;
}

function firstEnd(tokens: SqlTokens): number {
  for (let at = 0; at < tokens.length; at += 1) if (tokens.isMark(at, ';')) return at;
  return tokens.length;
}

/**
 * Returns the number of tokens of a CREATE TRIGGER. A trigger's body is a list of statements, each
 * followed by a semicolon, and END. No statement begins with END, so the first END after a
 * semicolon ends the trigger, regardless of what else has this name.
 */
function triggerLength(tokens: SqlTokens): number {
  for (let at = 0; at < tokens.length; at += 1) {
    if (tokens.isMark(at, ';') && tokens.isWord(at + 1, 'end')) return at + 2;
  }
  throw refused('A trigger has the form CREATE TRIGGER … BEGIN …; END');
}

function verbOf(tokens: SqlTokens, length: number): Verb {
  if (length === 0) throw refused('The statement is empty');
  const leading = tokens.isWord(0, 'with') ? mainVerb(tokens) : tokens.word(0);
  const verb = VERBS.find((known) => known === leading);
  if (verb === undefined) {
    throw refused(
      `A statement may not begin with ${tokens.source(0).slice(0, 40).toUpperCase()}; it begins with ${ALLOWED}`,
    );
  }
  return verb;
}

const ALLOWED = 'SELECT, WITH, INSERT, UPDATE, DELETE, REPLACE, CREATE, ALTER or DROP';

/**
 * Returns the verb after WITH: the first one outside all parentheses. REPLACE can also be the name
 * of a table there.
 */
function mainVerb(tokens: SqlTokens): string | null {
  let depth = 0;
  for (let at = 1; at < tokens.length; at += 1) {
    if (tokens.isMark(at, '(')) depth += 1;
    else if (tokens.isMark(at, ')')) depth -= 1;
    else if (depth === 0) {
      if (tokens.isWord(at, 'values')) return 'select';
      if (tokens.isWord(at, 'replace') && tokens.isWord(at + 1, 'into')) return 'replace';
      const verb = ['select', 'insert', 'update', 'delete'].find((one) => tokens.isWord(at, one));
      if (verb !== undefined) return verb;
    }
  }
  return null;
}

/**
 * Refuses temporary objects: they belong to a connection, outlive the call, and hide tables of the
 * same name from later users of the connection.
 */
function refuseTemporary(tokens: SqlTokens): void {
  if (!tokens.isWord(0, 'create')) return;
  const at = tokens.isWord(1, 'unique') || tokens.isWord(1, 'virtual') ? 3 : 2;
  const name = tokens.isWord(at, 'if') && tokens.isWord(at + 1, 'not') ? at + 3 : at;
  const schema = tokens.isMark(name + 1, '.') ? tokens.name(name) : null;
  if (tokens.isWord(1, 'temp') || tokens.isWord(1, 'temporary') || (schema !== null && schema !== 'main')) {
    throw refused('Temporary tables, views and triggers are not supported; use an ordinary one, or WITH');
  }
}

function an(verb: Verb): string {
  return `${/^[aiu]/.test(verb) ? 'an' : 'a'} ${verb.toUpperCase()}`;
}

/** Creates the error for a refused statement. */
export function refused(reason: string): AppError {
  return new AppError('invalid_sql', `${reason}.`);
}
