/**
 * A failure that is not reported by SQLite. For `OVER_LIMIT`, the message is the number of bytes in
 * use.
 */
export class SqliteFault extends Error {
  readonly code: 'TOO_LARGE' | 'NOT_UTF8' | 'SEVERAL' | 'OVER_LIMIT' | 'LOG_FULL';

  constructor(code: SqliteFault['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** The primary result codes of SQLite that are handled (https://sqlite.org/rescode.html). */
export const SQLITE = {
  error: 1,
  busy: 5,
  noMemory: 7,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  tooBig: 18,
  notADatabase: 26,
} as const;

/**
 * For errors while rows are read, the binding reports no code but only SQLite's message, which is
 * fixed for these codes.
 */
const SENTENCES: readonly (readonly [sentence: string, code: number])[] = [
  ['database is locked', SQLITE.busy],
  ['out of memory', SQLITE.noMemory],
  ['attempt to write a readonly database', SQLITE.readOnly],
  ['disk I/O error', SQLITE.ioError],
  ['database disk image is malformed', SQLITE.corrupt],
  ['database or disk is full', SQLITE.full],
  ['unable to open database file', SQLITE.cannotOpen],
  ['string or blob too big', SQLITE.tooBig],
  ['file is not a database', SQLITE.notADatabase],
];

/** Returns SQLite's primary result code of an error. */
export function primaryCode(error: unknown): number {
  if (!(error instanceof Error)) return SQLITE.error;
  if ('errcode' in error && typeof error.errcode === 'number') return error.errcode & 0xff;
  return SENTENCES.find(([sentence]) => error.message === sentence)?.[1] ?? SQLITE.error;
}
