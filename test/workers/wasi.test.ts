import test from 'ava';
import { openEngine } from '../../workers/engine/engine.js';
import { guestCall, runText } from '../helpers/engine.js';
import { guest } from '../helpers/guests.js';
import { assemble } from '../helpers/wat.js';

const engine = openEngine({ threads: 2, parked: 4 });
test.after.always(() => engine.close());

const lines = async (input: string) => {
  const outcome = await runText(engine, await guest('wasi.c'), input);
  return { ...outcome, lines: outcome.output.trim().split('\n') };
};
const [EBADF, EINVAL, ENOTSOCK, ESPIPE] = [8, 28, 57, 70];

test('argv contains only the function name, and the environment is empty', async (t) => {
  t.deepEqual((await lines('')).lines, ['argc 1 argv0 tested environ 0']);
});

test('no standard stream is a terminal', async (t) => {
  const outcome = await runText(engine, await guest('terminal.c'), '');
  t.is(outcome.output, '0 0 0\n');
});

test('only descriptors 0, 1 and 2 exist, and they are not seekable', async (t) => {
  t.deepEqual((await lines('descriptors')).lines.slice(1), [
    'fdstat 0 0 type 6',
    'fdstat 1 0 type 6',
    'fdstat 2 0 type 6',
    `fdstat 3 ${EBADF} type -1`,
    `fdstat 4 ${EBADF} type -1`,
    'filestat 1 0',
    `prestat 0 ${EBADF}`,
    `prestat 3 ${EBADF}`,
    `seek 0 ${ESPIPE}`,
    `tell 1 ${ESPIPE}`,
    `pread 0 ${ESPIPE}`,
    `pwrite 1 ${ESPIPE}`,
    `read 1 ${EBADF}`,
    `read 3 ${EBADF}`,
    `write 0 ${EBADF}`,
    `write 9 ${EBADF}`,
    'sync 1 0',
    'datasync 1 0',
    'set_flags 1 0',
    'set_size 1 1',
    'allocate 1 1',
    `advise 9 ${EBADF}`,
    'readdir 0 1',
    `renumber 2 to 9 ${EBADF}`,
    // From here on stdout is descriptor 0: output to 1 is lost, output to 0 appears.
    'moved',
  ]);
});

test('a guest that moved its streams does not affect the streams of the next guest', async (t) => {
  await lines('descriptors');
  t.is((await lines('descriptors')).lines.length, 26);
});

test('a guest cannot give a descriptor rights that it does not have', async (t) => {
  const all = '(i64.const -1)';
  const wasm = await assemble(`(module
    (import "wasi_snapshot_preview1" "fd_fdstat_set_rights" (func $set (param i32 i64 i64) (result i32)))
    (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $get (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start")
      (if (i32.eqz (call $set (i32.const 1) ${all} (i64.const 0))) (then (call $exit (i32.const 2))))
      (if (i32.eqz (call $set (i32.const 1) (i64.const 0) ${all})) (then (call $exit (i32.const 3))))
      (if (call $set (i32.const 1) (i64.const 64) (i64.const 0)) (then (call $exit (i32.const 4))))
      (drop (call $get (i32.const 1) (i32.const 0)))
      (if (i64.ne (i64.load (i32.const 8)) (i64.const 64)) (then (call $exit (i32.const 5))))))`);
  t.is((await runText(engine, wasm, '')).exitCode, 0);
});

test('every path_* call fails for every directory descriptor', async (t) => {
  const { lines: seen } = await lines('paths');
  t.deepEqual(seen.slice(1), [...[0, 1, 2, 3, 4].map((fd) => `paths ${fd} refused 1`), 'fopen 0']);
});

test('socket calls fail with ENOTSOCK or EBADF', async (t) => {
  t.deepEqual((await lines('sockets')).lines.slice(1), [
    `accept 0 ${ENOTSOCK}`,
    `accept 9 ${EBADF}`,
    `recv 0 ${ENOTSOCK}`,
    `send 1 ${ENOTSOCK}`,
    `shutdown 9 ${EBADF}`,
  ]);
});

test('clocks return a resolution and a time, and poll_oneoff handles any mix of subscriptions', async (t) => {
  t.deepEqual((await lines('clocks')).lines.slice(1), [
    ...[0, 1, 2, 3].map((clock) => `clock ${clock} 0 0 plausible 1`),
    `clock 4 ${EINVAL} ${EINVAL} plausible 0`,
    'one timer 0: 1/0/0',
    'slept long enough 1',
    'past is first 0: 3/0/0',
    'first of two 0: 2/0/0',
    `streams are ready 0: 2/0/1 3/0/2 4/${EBADF}/1`,
    `no such clock 0: 1/${EINVAL}/0`,
    `nothing ${EINVAL}:`,
  ]);
});

test('random_get returns different bytes, and sched_yield succeeds', async (t) => {
  t.deepEqual((await lines('random yield')).lines.slice(1), ['random differs 1', 'yield 0']);
});

test('a raised abort signal ends the guest with exit code 134', async (t) => {
  const outcome = await lines('raise');
  t.is(outcome.error, 'exited with code 134');
  t.is(outcome.exitCode, 134);
});

test('a pointer outside the memory is a trap that names the call', async (t) => {
  const outcome = await lines('wild');
  t.is(outcome.status, 'error');
  t.is(outcome.error, 'trap: memory access out of bounds in random_get');
  t.is(outcome.exitCode, null);
});

for (const size of [0, 1, 1020, 1021, 1022, 1_000_000, 1 << 20]) {
  test(`${size} bytes go through stdin and stdout unchanged`, async (t) => {
    const input = new Uint8Array(size).map((_, index) => (index * 31) % 251);
    const { output } = await engine.run(guestCall(await guest('copy.c'), input));
    t.true(Buffer.from(output).equals(input));
  });
}

test('Rust guests see their arguments, no environment, no files, a clock and a random map order', async (t) => {
  const wasm = await guest('kitchen.rs');
  const before = Date.now();
  const outcome = await runText(engine, wasm, 'args\nopen /etc/passwd\nopen .\ntime');
  const [args, absolute, relative, time] = outcome.output.trim().split('\n');
  t.is(args, '["tested"] 0');
  t.deepEqual([absolute, relative], ['true', 'true']);
  t.true(Number(time) >= before - 1 && Number(time) <= Date.now() + 1);
  const orders = await Promise.all(Array.from({ length: 4 }, () => runText(engine, wasm, 'map')));
  t.true(new Set(orders.map(({ output }) => output)).size > 1);
});

test('Go guests see their arguments, no environment, a clock and goroutines', async (t) => {
  const wasm = await guest('kitchen.go');
  t.is((await runText(engine, wasm, '{"op":"args"}')).output, '[tested] 0\n');
  t.regex((await runText(engine, wasm, '{"op":"goroutines","count":50}')).output, /^sum 1225\n/);
  const before = Date.now();
  const time = Number((await runText(engine, wasm, '{"op":"time"}')).output);
  t.true(time >= before - 1 && time <= Date.now() + 1);
});
