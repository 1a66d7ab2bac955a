import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import Database from 'libsql';
import { guard } from '../../db/function-databases/statement.js';
import { tempDir } from '../helpers/temp-dir.js';

const CANARY = 'canary-5f1c2b';
const file = join(tempDir(), 'secret');
writeFileSync(file, CANARY);

/**
 * Fragments for which the guard and SQLite might disagree about the end of a string, name or
 * comment.
 */
const fragments = [
  ...[
    "'",
    '"',
    '`',
    '[',
    ']',
    "''",
    '""',
    "x'",
    "X'41'",
    '(',
    ')',
    ',',
    ';',
    '.',
    '..',
    '1',
    '1.',
    '1e',
    '0x',
  ],
  ...[
    '--',
    '\n',
    '\r',
    '/*',
    '*/',
    '/',
    '*',
    '\v',
    '\f',
    '\ufeff',
    '\0',
    '\\',
    '$',
    '$x(',
    '@a',
    ':a',
    '#',
    '?',
    '?1',
  ],
  ...[
    ' select ',
    ' from ',
    ' with a as (select 1) ',
    ' union all select ',
    ' as ',
    ' x ',
    '||',
    ' end ',
    ' case ',
  ],
  ...[`readfile('${file}')`, ` , readfile('${file}') `, 'readfile', `('${file}')`, `"readfile"('${file}')`],
  ...[`[readfile]('${file}')`, ` fsdir('${file}')`, ` 'fsdir'('${file}')`],
];

test('no random combination of quotes and comments calls a forbidden function past the guard', (t) => {
  const database = new Database(':memory:');
  let passed = 0;
  let ran = 0;
  const rest = fc.array(fc.constantFrom(...fragments), { maxLength: 12 });
  fc.assert(
    fc.property(rest, (parts) => {
      const sql = `select ${parts.join('')}`;
      try {
        guard(sql, 'query');
      } catch {
        return;
      }
      passed += 1;
      let rows: unknown[];
      try {
        rows = database.prepare(sql).all([]);
      } catch {
        // SQLite rejects it, too.
        return;
      }
      ran += 1;
      const shown = JSON.stringify(rows, (_, value) =>
        value instanceof ArrayBuffer ? Buffer.from(value).toString() : value,
      );
      t.false(shown.includes(CANARY), sql);
    }),
    { numRuns: 30_000 },
  );
  database.close();
  t.true(passed > 500 && ran > 20, `${passed} passed the guard and ${ran} ran`);
});

test('the canary is visible when readfile is called without the guard', (t) => {
  const database = new Database(':memory:');
  const [row] = database.prepare(`select readfile('${file}') as found`).all([]) as { found: ArrayBuffer }[];
  t.is(Buffer.from(row?.found ?? new ArrayBuffer(0)).toString(), CANARY);
  database.close();
});
