import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { Scheduler } from '../../workers/engine/scheduler.js';
import { createFreshProgram } from '../../workers/wasm/warm/fresh.js';
import { readSource } from '../../workers/wasm/warm/source.js';
import { guestCall } from '../helpers/engine.js';
import { guest } from '../helpers/guests.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const directory = tempDir();
const THREAD = new URL('../../workers/threads/thread.cjs', import.meta.url);
const UNAVAILABLE = { code: 'unavailable', message: /^No thread can be started for functions/ };
let files = 0;

/** A scheduler whose threads fail to start between `fail` and `mend`. */
async function scene(t: ExecutionContext, { threadScript }: { threadScript?: URL } = {}) {
  const name = join(directory, String(++files));
  const [script, failing, started] = [`${name}.cjs`, `${name}.failing`, `${name}.started`];
  writeFileSync(started, '');
  writeFileSync(
    script,
    `const { appendFileSync, existsSync } = require('node:fs');
     if (existsSync(${JSON.stringify(failing)})) throw new Error('no thread today');
     appendFileSync(${JSON.stringify(started)}, '.');
     require(${JSON.stringify(THREAD.pathname)});`,
  );
  const program = createFreshProgram(readSource(await guest('kitchen.c'), 64));
  const warnings: string[] = [];
  const open = () => {
    const pool = new Scheduler({
      ...{ threads: 1, parked: 0, memoryMb: 512 },
      threadScript: threadScript ?? pathToFileURL(script),
      warn: (message, { message: cause }) => warnings.push(`${message} ${cause}`),
    });
    t.teardown(() => pool.close());
    const run = (input: string, timeoutMs = 30_000) =>
      pool.run({ ...guestCall(new Uint8Array(), input), timeoutMs }, 'kitchen', program);
    return { pool, run };
  };
  const fail = () => writeFileSync(failing, '');
  const mend = () => rmSync(failing);
  /** The number of threads that do not fail. */
  const starts = () => readFileSync(started).length;
  return { open, fail, mend, starts, warnings };
}

test('runs are rejected while no thread can be started, and succeed when one can again', async (t) => {
  const { open, fail, mend, warnings } = await scene(t);
  fail();
  const { pool, run } = open();
  // One that waits while the starts fail, and one that arrives later.
  await t.throwsAsync(() => run('echo early'), UNAVAILABLE);
  await t.throwsAsync(() => run('echo late'), UNAVAILABLE);
  t.throws(() => pool.assertThreads(), UNAVAILABLE);
  t.is(pool.stats().waiting, 0);
  await until('a further start has failed', () => warnings.length > 1);
  t.is(warnings[0], 'Threads to run functions cannot be started; retrying. no thread today');
  mend();
  await until('a thread has been started', () => pool.stats().threads > 0 && isUp(pool));
  const { status, output } = await run('echo again');
  t.deepEqual([status, Buffer.from(output).toString()], ['success', 'again\n']);
});

test('while further threads cannot be started, runs wait for the ones that there are', async (t) => {
  const { open, fail, starts, warnings } = await scene(t);
  const { pool, run } = open();
  await run('echo here');
  await until('both threads start', () => starts() === 2);
  fail();
  t.is((await run('loop', 300)).status, 'timeout');
  await until('starts fail', () => warnings.length > 0);
  await until('the other thread is ready', () => isUp(pool));
  const endings = await Promise.all(['echo a', 'echo b', 'echo c'].map((input) => run(input)));
  t.deepEqual([...new Set(endings.map(({ status }) => status))], ['success']);
  // Behind the last thread's last run, which is stopped.
  const last = run('loop', 300);
  const queued = [run('echo a'), run('echo b')];
  for (const each of queued) await t.throwsAsync(each, UNAVAILABLE);
  t.is((await last).status, 'timeout');
});

test('runs are rejected when the system refuses the thread itself', async (t) => {
  // Refused by Node as `new Worker` is called, like a thread beyond the limit of the system.
  const { open, warnings } = await scene(t, { threadScript: new URL('http://127.0.0.1/thread.cjs') });
  const { pool, run } = open();
  await t.throwsAsync(() => run('echo early'), UNAVAILABLE);
  const warned = warnings.length;
  await until('a further start has failed', () => warnings.length > warned);
  await t.throwsAsync(() => run('echo late'), UNAVAILABLE);
  t.is(pool.stats().waiting, 0);
});

function isUp(pool: Scheduler): boolean {
  try {
    pool.assertThreads();
    return true;
  } catch {
    return false;
  }
}
