import test from 'ava';
import { MAX_HOST_TEXT, MAX_SQL_ARGS } from '../../src/contract/limits.js';
import { openEngine } from '../../workers/engine/engine.js';
import { type CallOptions, runText } from '../helpers/engine.js';
import { assemble } from '../helpers/wat.js';

const engine = openEngine({ threads: 1, parked: 1 });
test.after.always(() => engine.close());

const PAGE = 65_536;
/** The JSON of a headers object with many values: `""` and a comma, in three bytes each. */
const MANY_VALUES = 0x2c_22_22;

/**
 * Assembles a guest that calls a host function with texts of its memory, which is filled with
 * `byte`.
 */
async function calling(
  name: string,
  texts: readonly number[],
  { byte = 97, pages = Math.ceil(Math.max(...texts) / PAGE) + 1 } = {},
): Promise<Uint8Array> {
  const params = texts.map(() => 'i32 i32').join(' ');
  const args = texts.map((length) => `(i32.const 0) (i32.const ${length})`).join(' ');
  return assemble(`(module
    (import "env" "${name}" (func $call (param ${params}) (result i64)))
    (memory (export "memory") ${pages})
    (func (export "_start")
      (memory.fill (i32.const 0) (i32.const ${byte}) (i32.const ${pages * PAGE}))
      (drop (call $call ${args}))))`);
}

/** Assembles a guest whose `http_respond` has a header of so many empty values. */
function respondingWith(values: number): Promise<Uint8Array> {
  return assemble(`(module
    (import "env" "http_respond" (func $respond (param i32 i32 i32) (result i32)))
    (memory (export "memory") ${Math.ceil((values * 3) / PAGE) + 1})
    (data (i32.const 0) "{\\"a\\":[")
    (func (export "_start") (local $at i32) (local $left i32)
      (local.set $at (i32.const 6))
      (local.set $left (i32.const ${values}))
      (loop $next
        (i32.store (local.get $at) (i32.const ${MANY_VALUES}))
        (local.set $at (i32.add (local.get $at) (i32.const 3)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $next (local.get $left)))
      (i32.store (local.get $at) (i32.const 0x7d5d2222))
      (drop (call $respond (i32.const 200) (i32.const 0) (i32.add (local.get $at) (i32.const 4))))))`);
}

const run = (wasm: Uint8Array, options: CallOptions = {}) =>
  runText(engine, wasm, '', { memoryLimitMb: 128, ...options });

test.serial(
  'headers of 60 MB are refused with the reason in the log, and the process runs further guests',
  async (t) => {
    const hostile = await run(await respondingWith(20_000_000));
    t.is(hostile.status, 'success');
    t.deepEqual(hostile.log, [
      'error: http_respond failed: headers_json has 60000010 bytes; at most 65536 are allowed; the caller gets a 502',
    ]);
    // An invalid response: the caller gets a 502 instead of the default response.
    t.is(hostile.response, 'null');
    const next = await run(await respondingWith(99));
    t.deepEqual(next.log, []);
    t.is(JSON.parse(next.response ?? 'null')?.headers.a.length, 100);
  },
);

test.serial(
  'a text over 64 KB is refused in every host function, and one of 64 KB is accepted',
  async (t) => {
    for (const [name, argument] of [
      ['get_env', 'key'],
      ['get_secret', 'name'],
      ['cache_get', 'key'],
      ['storage_get', 'cid'],
    ] as const) {
      const lengths: number[] = [];
      const called = async (text: string) => {
        lengths.push(text.length);
        return null;
      };
      const host = { get_secret: called, cache_get: called, storage_get: called };
      const fits = await run(await calling(name, [MAX_HOST_TEXT]), { host });
      t.deepEqual(fits.log, [], name);
      const over = await run(await calling(name, [MAX_HOST_TEXT + 1]), { host });
      t.deepEqual(over.log, [
        `error: ${name} failed: ${argument} has ${MAX_HOST_TEXT + 1} bytes; at most ${MAX_HOST_TEXT} are allowed`,
      ]);
      t.deepEqual(lengths, name === 'get_env' ? [] : [MAX_HOST_TEXT]);
    }
  },
);

test.serial('a text that is not UTF-8 is refused, as it would be equal to other such texts', async (t) => {
  const called: unknown[] = [];
  const call = async (...args: unknown[]) => {
    called.push(args);
    return null;
  };
  const host = { cache_get: call, db_query: call };
  for (const [name, argument, texts] of [
    ['get_env', 'key', [1]],
    ['cache_get', 'key', [1]],
    ['db_query', 'sql', [1, 0]],
    ['db_query', 'args_json', [0, 1]],
  ] as const) {
    const outcome = await run(await calling(name, texts, { byte: 0xff }), { host });
    t.deepEqual(outcome.log, [`error: ${name} failed: ${argument} is not valid UTF-8`]);
  }
  t.deepEqual(called, []);
});

test.serial('arguments of a statement may have 16 MB, and its SQL is left to the guard of SQL', async (t) => {
  const lengths: number[][] = [];
  const host = {
    db_query: async (sql: string, args: string) => {
      lengths.push([sql.length, args.length]);
      return null;
    },
  };
  const fits = await run(await calling('db_query', [MAX_HOST_TEXT + 1, MAX_SQL_ARGS]), { host });
  t.deepEqual(fits.log, []);
  t.deepEqual(lengths, [[MAX_HOST_TEXT + 1, MAX_SQL_ARGS]]);
  const over = await run(await calling('db_query', [1, MAX_SQL_ARGS + 1]), { host });
  t.deepEqual(over.log, [
    `error: db_query failed: args_json has ${MAX_SQL_ARGS + 1} bytes; at most ${MAX_SQL_ARGS} are allowed`,
  ]);
  t.is(lengths.length, 1);
});

test.serial('a statement of 63 MB with wide characters does not end the process', async (t) => {
  // U+0100 is C4 80; the rest of the memory is ASCII, so each of its characters takes two bytes.
  const wasm = await assemble(`(module
    (import "env" "db_query" (func $call (param i32 i32 i32 i32) (result i64)))
    (memory (export "memory") 1010)
    (func (export "_start")
      (memory.fill (i32.const 0) (i32.const 97) (i32.const ${63 << 20}))
      (i32.store16 (i32.const 0) (i32.const 0x80c4))
      (drop (call $call (i32.const 0) (i32.const ${63 << 20}) (i32.const 0) (i32.const 0)))))`);
  const seen: number[] = [];
  const host = {
    db_query: async (sql: string) => {
      seen.push(sql.length);
      return null;
    },
  };
  for (let round = 0; round < 2; round++) t.deepEqual((await run(wasm, { host })).log, []);
  t.deepEqual(seen, Array(2).fill((63 << 20) - 1));
});
