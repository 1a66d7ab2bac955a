import test from 'ava';
import { openEngine } from '../../workers/engine/engine.js';
import { guestCall, runText } from '../helpers/engine.js';
import { guest } from '../helpers/guests.js';

/** Long enough for a busy machine to begin a guest that logs and then loops. */
const LOGGED_MS = 3000;

const engine = openEngine({ threads: 2, parked: 8 });
test.after.always(() => engine.close());
const run = async (input: string, options = {}) => runText(engine, await guest('kitchen.c'), input, options);

test('a command gets its input on stdin and its name as argv[0], and its stdout is the output', async (t) => {
  const outcome = await run('args\necho hello');
  t.is(outcome.status, 'success');
  t.is(outcome.error, null);
  t.is(outcome.exitCode, 0);
  t.is(outcome.output, '0 tested\nhello\n');
});

test('an exit code other than 0 is an error that states the code, and printed output is kept', async (t) => {
  const outcome = await run('echo printed\nexit 3');
  t.is(outcome.status, 'error');
  t.is(outcome.error, 'exited with code 3');
  t.is(outcome.exitCode, 3);
  t.is(outcome.output, 'printed\n');
});

test('exit code 0 is a success with the output printed before', async (t) => {
  const outcome = await run('echo printed\nexit 0\necho never');
  t.is(outcome.status, 'success');
  t.is(outcome.output, 'printed\n');
});

for (const [input, error] of [
  ['trap', 'trap: unreachable'],
  ['dive', 'trap: call stack exhausted'],
  ['wild-write', 'trap: memory access out of bounds'],
  ['wild-log', 'trap: memory access out of bounds in log_info'],
  ['huge-log', 'trap: memory access out of bounds in log_info'],
] as const) {
  test(`${input} ends with '${error}', and the next invocation succeeds`, async (t) => {
    const outcome = await run(input);
    t.is(outcome.status, 'error');
    t.is(outcome.error, error);
    t.is(outcome.exitCode, null);
    t.is((await run('echo still here')).output, 'still here\n');
  });
}

test('1 MB of output is returned, and one byte more is an error', async (t) => {
  const wasm = await guest('copy.c');
  const whole = await engine.run(guestCall(wasm, new Uint8Array(1 << 20)));
  t.is(whole.output.length, 1 << 20);
  const over = await engine.run(guestCall(wasm, new Uint8Array((1 << 20) + 1)));
  t.is(over.status, 'error');
  t.is(over.error, 'output is larger than 1 MB');
  t.is(over.output.length, 0);
});

test('log lines and stderr lines are logged in order, including a last line without a newline', async (t) => {
  const outcome = await run('info one\nstderr two\ndebug three\nwarn four\nerror five\nstderr-open six');
  t.deepEqual(outcome.log, [
    'info: one',
    'error: two',
    'debug: three',
    'warn: four',
    'error: five',
    'error: six',
  ]);
});

test('log lines of a guest that is killed in an endless loop are kept', async (t) => {
  const outcome = await run('info one\nstderr two\nstderr-open and this\nloop', { timeoutMs: LOGGED_MS });
  t.is(outcome.status, 'timeout');
  t.is(outcome.error, 'timed out after 3 s');
  t.deepEqual(outcome.log, ['info: one', 'error: two', 'error: and this']);
  t.is(outcome.exitCode, null);
  t.true(outcome.durationMs >= LOGGED_MS);
});

test('a log of more than 10,000 lines is truncated with a note, and the guest continues', async (t) => {
  const outcome = await run('flood 12000\necho done');
  t.is(outcome.output, 'done\n');
  t.is(outcome.log.length, 10_001);
  t.is(outcome.log[0], 'error: line 12000');
  t.is(outcome.log[9999], 'error: line 2001');
  t.is(outcome.log[10_000], 'warn: the log is cut here: an invocation may log 10000 lines');
});

test('a log line over 16 KB and a log over 1 MB are truncated with a note', async (t) => {
  const long = await run('long-line 40000\ninfo after');
  t.is(long.log[0], `error: ${'x'.repeat(16_384)} … [cut: 16 KB of 40000 bytes]`);
  t.is(long.log[1], 'info: after');
  const much = await run('long-line 16384\n'.repeat(70));
  t.is(much.log.length, 65);
  t.is(much.log[64], 'warn: the log is cut here: an invocation may log 1 MB');
});

test('the outcome reports the peak memory of the guest', async (t) => {
  t.true((await run('echo')).memoryPeakMb < 3);
  const outcome = await run('take 20');
  t.is(outcome.output, 'got it\n');
  t.true(outcome.memoryPeakMb > 20 && outcome.memoryPeakMb < 23);
});

test('a failed module load fails the run with unavailable, and the next run loads the module again', async (t) => {
  const call = guestCall(await guest('copy.c'), 'x', { cid: 'elsewhere' });
  const failing = { ...call, loadWasm: () => Promise.reject(new Error('no block')) };
  await t.throwsAsync(engine.run(failing), { code: 'unavailable', message: /cannot be loaded/ });
  t.is((await engine.run(call)).status, 'success');
});

test('20 concurrent first calls load a module once', async (t) => {
  const wasm = await guest('copy.c');
  let loads = 0;
  const call = guestCall(wasm, 'x', { cid: 'once' });
  const loadWasm = () => {
    loads++;
    return Promise.resolve(wasm);
  };
  await Promise.all(Array.from({ length: 20 }, () => engine.run({ ...call, loadWasm })));
  t.is(loads, 1);
});

const BACKTRACE = 'note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace';
for (const [printed, error] of [
  [
    ["thread 'main' (1) panicked at src/main.rs:14:67:", 'no name: "in order"', BACKTRACE],
    'trap: unreachable: panicked at src/main.rs:14:67: no name: "in order"',
  ],
  [
    ["thread '<unnamed>' panicked at src/a.rs:1:2:", 'not equal', '  left: 1', ' right: 2', BACKTRACE],
    'trap: unreachable: panicked at src/a.rs:1:2: not equal left: 1 right: 2',
  ],
  [["thread 'main' panicked at 'old', src/a.rs:1:2"], "trap: unreachable: panicked at 'old', src/a.rs:1:2"],
  [['no panic'], 'trap: unreachable'],
] as const) {
  test(`the error of a trap is "${error}" after "${printed[0]}" on stderr`, async (t) => {
    const outcome = await run([...printed.map((line) => `stderr ${line}`), 'trap'].join('\n'));
    t.is(outcome.error, error);
    t.is((await run('trap')).error, 'trap: unreachable');
  });
}

test('the error of a non-zero exit contains the last stderr line of the guest', async (t) => {
  const outcome = await run('stderr first\nstderr why it gives up\nexit 3');
  t.is(outcome.error, 'exited with code 3: why it gives up');
  const open = await run('stderr first\nstderr-open in \nstderr-open pieces\nexit 4');
  t.regex(open.error ?? '', /^exited with code 4: in ?\s*pieces$/);
});

test('without a stderr line, the error of a non-zero exit contains the last error of the log', async (t) => {
  const outcome = await run('error first\nerror expected a name\ninfo bye\nexit 65');
  t.is(outcome.error, 'exited with code 65: expected a name');
  t.is((await run('exit 65')).error, 'exited with code 65', 'not that of the previous invocation');
  t.is((await run('error in the log\nstderr on stderr\nexit 1')).error, 'exited with code 1: on stderr');
  t.is((await run('error in the log\nstderr\nexit 1')).error, 'exited with code 1: in the log');
});
