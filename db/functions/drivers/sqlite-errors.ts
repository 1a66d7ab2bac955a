/**
 * A failure that is no sentence of SQLite's. Of `OVER_LIMIT` the message is how many bytes are in
 * use.
 */
export class SqliteFault extends Error {
  readonly code: 'TOO_LARGE' | 'NOT_UTF8' | 'SEVERAL' | 'OVER_LIMIT';

  constructor(code: SqliteFault['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** SQLite's primary result codes, as far as somebody tells them apart. */
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
 * The binding tells no code of what goes wrong while rows are read, only SQLite's sentence, which
 * is a fixed one for these.
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

/** SQLite's result code without what extends it. */
export function primaryCode(error: unknown): number {
  if (!(error instanceof Error)) return SQLITE.error;
  if ('errcode' in error && typeof error.errcode === 'number') return error.errcode & 0xff;
  return SENTENCES.find(([sentence]) => error.message === sentence)?.[1] ?? SQLITE.error;
}
