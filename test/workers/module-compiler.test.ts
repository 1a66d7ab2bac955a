import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { ModuleCompiler } from '../../workers/threads/module-compiler.js';
import { ThreadStartError } from '../../workers/threads/thread-start-error.js';
import { ENDLESS, reactor } from '../helpers/reactor.js';
import { tempDir } from '../helpers/temp-dir.js';

const directory = tempDir();
const SHORT = { compile: 20_000, probe: 100, probeRetry: 300 };

const endless = reactor(ENDLESS);
/**
 * `i32.const 0` and `drop`, 500,000 times: reading and compiling it takes many checks of its
 * budget.
 */
const long = reactor(Array.from({ length: 1_500_000 }, (_, at) => [0x41, 0, 0x1a][at % 3] ?? 0));
const quick = reactor([]);
const deploy = (wasm: Uint8Array) => ({ wasm, name: 'tested', limitMb: 16, want: 'probe' }) as const;

test('modules with endless initialisation delay only the deploys of their own namespace', async (t) => {
  const compiler = new ModuleCompiler({ budgets: { ...SHORT, probe: 1000 } });
  t.teardown(() => compiler.close());
  const attacks = Array.from({ length: 5 }, () => compiler.compile('attacker', 'deploy', deploy(endless)));
  let ended = 0;
  for (const attack of attacks) {
    attack.then(
      () => ended++,
      () => undefined,
    );
  }
  for (let index = 0; index < 3; index++) {
    const { program, note } = await compiler.compile('victim', 'deploy', deploy(quick));
    t.is(program.strategy, 'reactor', note ?? '');
  }
  // Not awaited: the remaining attacks take a second each.
  t.true(ended <= 1, `${ended} of 5 had ended by then`);
});

test('the modules of several namespaces are compiled in turn', async (t) => {
  // One of the two threads is busy until the end, so that the modules end in the order in which
  // they begin. Its probe uses no processor time and so is never given up.
  const compiler = new ModuleCompiler({ clockOf: () => () => 0 });
  t.teardown(() => compiler.close());
  void compiler.compile('endless', 'deploy', deploy(endless)).catch(() => undefined);
  const ended: string[] = [];
  const compile = async (namespace: string) => {
    await compiler.compile(namespace, 'deploy', deploy(quick));
    ended.push(namespace);
  };
  await Promise.all(['a', 'a', 'a', 'a', 'b', 'c'].map(compile));
  // The first began while no other module waited.
  t.deepEqual(ended, ['a', 'a', 'b', 'c', 'a', 'a']);
});

test('a probe that exceeds its time is inconclusive, and conclusive when repeated with more time', async (t) => {
  const compiler = new ModuleCompiler({ budgets: SHORT });
  t.teardown(() => compiler.close());
  const first = await compiler.compile('tester', 'deploy', deploy(endless));
  t.is(first.program.strategy, 'fresh');
  t.false(first.conclusive);
  t.is(first.note, 'warm start was given up: it took more than 0.1 s of processor time');
  const second = await compiler.compile('tester', 'background', { ...deploy(endless), again: true });
  t.true(second.conclusive);
  t.is(second.note, 'warm start was given up: it took more than 0.3 s of processor time');
});

test('modules for calls are compiled before deploys, and deploys before repeated probes', async (t) => {
  const compiler = new ModuleCompiler();
  t.teardown(() => compiler.close());
  const ended: string[] = [];
  const compile = async (priority: 'run' | 'deploy' | 'background') => {
    await compiler.compile('one', priority, {
      ...deploy(quick),
      want: priority === 'run' ? 'reactor' : 'probe',
    });
    ended.push(priority);
  };
  const first = compile('deploy');
  await Promise.all([first, compile('background'), compile('deploy'), compile('run')]);
  t.deepEqual(ended, ['deploy', 'run', 'deploy', 'background']);
});

test('a call or deploy of a namespace does not wait for a repeated probe of it', async (t) => {
  const compiler = new ModuleCompiler();
  t.teardown(() => compiler.close());
  for (const [priority, want] of [
    ['deploy', 'probe'],
    ['run', 'reactor'],
  ] as const) {
    const repeated = compiler.compile('one', 'background', { ...deploy(endless), again: true });
    const { program } = await compiler.compile('one', priority, { ...deploy(quick), want });
    t.is(program.strategy, 'reactor');
    const outcome = await repeated.then(
      ({ conclusive }) => conclusive,
      ({ code }) => code,
    );
    t.true([false, 'unavailable'].includes(outcome), `${priority}: the probe is repeated later: ${outcome}`);
  }
});

test('a module is compiled and probed to the end, however long it waits for a processor', async (t) => {
  // The thread gets no processor time, as on a busy machine, and the budgets are over at once in
  // elapsed time.
  let readings = 0;
  const starved = () => () => {
    readings += 1;
    return 0;
  };
  const compiler = new ModuleCompiler({ budgets: { compile: 1, probe: 1, probeRetry: 1 }, clockOf: starved });
  t.teardown(() => compiler.close());
  const { program, note, conclusive } = await compiler.compile('tester', 'deploy', deploy(long));
  t.deepEqual([program.strategy, note, conclusive], ['reactor', null, true]);
  t.true(readings > 3, `the budget was checked during that: ${readings}`);
});

test('compiling is given up only for the processor time of the thread', async (t) => {
  // Each check finds ten seconds more, although hardly any time has passed.
  let cpu = 0;
  const busy = () => () => {
    cpu += 10_000;
    return cpu;
  };
  const compiler = new ModuleCompiler({
    budgets: { compile: 20_000, probe: 20_000, probeRetry: 20_000 },
    clockOf: busy,
  });
  t.teardown(() => compiler.close());
  await t.throwsAsync(compiler.compile('tester', 'deploy', deploy(long)), {
    code: 'invalid_module',
    message: /it took more than 20 s of processor time/,
  });
});

test('a probe that is starved of processor time is not given up before it has used its budget', async (t) => {
  let isStarved = true;
  let cpu = 0;
  const clock = () => () => {
    if (!isStarved) cpu += 10;
    return cpu;
  };
  const compiler = new ModuleCompiler({ budgets: { compile: 1e9, probe: 1, probeRetry: 1 }, clockOf: clock });
  t.teardown(() => compiler.close());
  let isPending = true;
  const compiled = compiler.compile('tester', 'deploy', deploy(endless)).finally(() => {
    isPending = false;
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.true(isPending, 'many times its budget has passed, but no processor time');
  isStarved = false;
  const { program, conclusive } = await compiled;
  t.deepEqual([program.strategy, conclusive], ['fresh', false]);
});

test('a module is unavailable, and not invalid, while the thread that compiles it cannot be started', async (t) => {
  const failing = join(directory, 'failing');
  const script = join(directory, 'compile-thread.cjs');
  const { pathname } = new URL('../../workers/threads/compile-thread.cjs', import.meta.url);
  writeFileSync(failing, '');
  writeFileSync(
    script,
    `if (require('node:fs').existsSync(${JSON.stringify(failing)})) throw new Error('no thread today');
     require(${JSON.stringify(pathname)});`,
  );
  const compiler = new ModuleCompiler({ script: pathToFileURL(script) });
  t.teardown(() => compiler.close());
  const error = await t.throwsAsync(() => compiler.compile('tester', 'deploy', deploy(quick)), {
    instanceOf: ThreadStartError,
  });
  t.like(error?.cause, { message: 'no thread today' });
  rmSync(failing);
  t.is((await compiler.compile('tester', 'deploy', deploy(quick))).program.strategy, 'reactor');
});

test('a thread that the system refuses to a compilation is asked for again by the next one', async (t) => {
  // Refused by Node as `new Worker` is called, like a thread beyond the limit of the system.
  const compiler = new ModuleCompiler({ script: new URL('http://127.0.0.1/compile-thread.cjs') });
  t.teardown(() => compiler.close());
  for (let attempt = 0; attempt < 4; attempt++) {
    await t.throwsAsync(() => compiler.compile('tester', 'deploy', deploy(quick)), {
      instanceOf: ThreadStartError,
    });
  }
});

test('no thread is started while one that was terminated still runs', async (t) => {
  const script = join(directory, 'uninterruptible.cjs');
  const running = join(directory, 'running');
  const { pathname } = new URL('../../workers/threads/compile-thread.cjs', import.meta.url);
  // A synchronous child process cannot be interrupted, like V8 while it validates a module.
  writeFileSync(
    script,
    `require('node:worker_threads').parentPort.on('message', ({ request }) => {
       if (request?.name !== 'stuck') return;
       const work = 'echo + >> ${running}; sleep 2; echo - >> ${running}';
       require('node:child_process').spawnSync('/bin/sh', ['-c', work], { env: { PATH: '/usr/bin:/bin' } });
     });
     require(${JSON.stringify(pathname)});`,
  );
  let cpu = 0;
  const clock = () => () => {
    cpu += 1;
    return cpu;
  };
  const budgets = { compile: 10, probe: 10, probeRetry: 10 };
  const compiler = new ModuleCompiler({ script: pathToFileURL(script), budgets, clockOf: clock });
  t.teardown(() => compiler.close());
  const stuck = { ...deploy(quick), name: 'stuck' };
  await Promise.allSettled(
    Array.from({ length: 4 }, (_, index) => compiler.compile(`attacker-${index}`, 'deploy', stuck)),
  );
  let most = 0;
  let count = 0;
  for (const line of readFileSync(running, 'utf8').split('\n')) {
    count += line === '+' ? 1 : line === '-' ? -1 : 0;
    most = Math.max(most, count);
  }
  t.true(most <= 2, `${most} threads at once`);
});
