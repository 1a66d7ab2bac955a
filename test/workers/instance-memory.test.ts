import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { Scheduler } from '../../workers/engine/scheduler.js';
import { choose } from '../../workers/wasm/warm/choose.js';
import { createFreshProgram } from '../../workers/wasm/warm/fresh.js';
import { readSource } from '../../workers/wasm/warm/source.js';
import { guestCall } from '../helpers/engine.js';
import { tempDir } from '../helpers/temp-dir.js';
import { assemble } from '../helpers/wat.js';

const directory = tempDir();
const THREAD = new URL('../../workers/threads/thread.cjs', import.meta.url);
/** As V8 fails when it can reserve no more address space. */
const MESSAGE = 'WebAssembly.Instance(): Out of memory: Cannot allocate Wasm memory for new instance';
const UNAVAILABLE = {
  code: 'unavailable',
  message: `There is no memory for an instance of the module (${MESSAGE}).`,
};

const source = async (fields: string) => readSource(await assemble(`(module ${fields})`), 64);
const command = (fields = '') => source(`(memory (export "memory") 1) (func (export "_start")) ${fields}`);

test('a guest for whose instance there is no memory is unavailable, and runs later', async (t) => {
  const script = join(directory, 'thread.cjs');
  const full = join(directory, 'full');
  writeFileSync(
    script,
    `const { existsSync } = require('node:fs');
     const { Instance } = WebAssembly;
     WebAssembly.Instance = function (...given) {
       if (existsSync(${JSON.stringify(full)})) throw new RangeError(${JSON.stringify(MESSAGE)});
       return new Instance(...given);
     };
     require(${JSON.stringify(THREAD.pathname)});`,
  );
  const pool = new Scheduler({
    ...{ threads: 1, parked: 0, memoryMb: 512 },
    threadScript: pathToFileURL(script),
  });
  t.teardown(() => pool.close());
  const kept = createFreshProgram(await command());
  // Its table is written, so each run gets a new instance.
  const unkept = createFreshProgram(
    await source(
      `(table $t 1 funcref) (memory (export "memory") 1)
       (func (export "_start") (table.set $t (i32.const 0) (ref.null func)))`,
    ),
  );
  t.is(unkept.snapshot, null);
  const run = (key: string) => pool.run(guestCall(new Uint8Array(), ''), key, key === 'kept' ? kept : unkept);
  t.is((await run('kept')).status, 'success');
  t.is(pool.stats().warmInstances, 1);
  writeFileSync(full, '');
  await t.throwsAsync(run('unkept'), UNAVAILABLE);
  t.is(pool.stats().warmInstances, 0);
  await t.throwsAsync(run('kept'), UNAVAILABLE);
  rmSync(full);
  t.is((await run('unkept')).status, 'success');
  t.is((await run('kept')).status, 'success');
  t.is(pool.stats().freshRuns, 3);
});

test.serial(
  'a module is not given another start strategy because there is no memory for an instance',
  async (t) => {
    const reactor = await source(
      `(memory (export "memory") 1)
     (func (export "orama_alloc") (param i32) (result i32) (i32.const 0))
     (func (export "_initialize"))
     (func (export "handle") (param i32 i32) (result i64) (i64.const 0))`,
    );
    const fresh = createFreshProgram(reactor);
    t.is(choose(reactor, fresh, 'x', 'probe').program.strategy, 'reactor');
    const { Instance } = WebAssembly;
    t.teardown(() => Object.assign(WebAssembly, { Instance }));
    // Each creation in turn: for the comparison of starts, for the snapshot, for the probe.
    for (let allowed = 0; allowed < 12; allowed++) {
      let created = 0;
      const create = function create(...given: ConstructorParameters<typeof Instance>) {
        if (++created > allowed) throw new RangeError(MESSAGE);
        return new Instance(...given);
      };
      Object.assign(WebAssembly, { Instance: create });
      t.throws(() => choose(reactor, fresh, 'x', 'probe'), UNAVAILABLE);
    }
  },
);
