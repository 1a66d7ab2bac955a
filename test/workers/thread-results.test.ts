import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { Scheduler } from '../../workers/engine/scheduler.js';
import { DATA_BYTES, SLOT, SLOT_BYTES, STATE } from '../../workers/threads/protocol.js';
import { createFreshProgram } from '../../workers/wasm/warm/fresh.js';
import { readSource } from '../../workers/wasm/warm/source.js';
import { guestCall } from '../helpers/engine.js';
import { sameBytes } from '../helpers/same-bytes.js';
import { tempDir } from '../helpers/temp-dir.js';
import { assemble } from '../helpers/wat.js';

const directory = tempDir();
const THREAD = new URL('../../workers/threads/thread.cjs', import.meta.url);
/** Too large for its slot, so that it is posted. */
const OUTPUT_BYTES = DATA_BYTES + 1000;

/**
 * A guest that prints `OUTPUT_BYTES` of "x". Its memory is too large to be reset before the reply.
 */
const printing = assemble(`(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 64)
  (func (export "_start")
    (memory.fill (i32.const 1024) (i32.const 120) (i32.const ${OUTPUT_BYTES}))
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const ${OUTPUT_BYTES}))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))`);

/**
 * Opens a scheduler whose threads run this code before they start. Returns how to run the guest,
 * by default `printing`.
 */
async function runsOn(t: ExecutionContext, name: string, code: string, module = printing) {
  const script = join(directory, `${name}.cjs`);
  writeFileSync(script, `${code}\nrequire(${JSON.stringify(THREAD.pathname)});`);
  const wasm = await module;
  const program = createFreshProgram(readSource(wasm, 64));
  const pool = new Scheduler({
    ...{ threads: 1, parked: 0, memoryMb: 512 },
    threadScript: pathToFileURL(script),
  });
  t.teardown(() => pool.close());
  // An input of another function, which a slot may still contain.
  return () => pool.run(guestCall(wasm, 's'.repeat(1000)), 'printing', program);
}

/** Ends the thread when it has published a result and begins to reset its instance. */
const DIES_IN_RESET = `
  const store = Atomics.store;
  Atomics.store = (words, index, value) => {
    const stored = store(words, index, value);
    if (words.length === ${SLOT_BYTES / 4} && index === ${SLOT.state} && value === ${STATE.done}) process.exit();
    return stored;
  };`;

test('the large output of a guest arrives complete when its thread dies while it resets the instance', async (t) => {
  const run = await runsOn(t, 'dies', DIES_IN_RESET);
  for (let round = 0; round < 3; round++) {
    const { status, output } = await run();
    t.is(status, 'success');
    sameBytes(t, output, Buffer.alloc(OUTPUT_BYTES, 'x'));
  }
});

test('a run whose large output was lost with its thread is an error of that run alone', async (t) => {
  const loses = `
    const { MessagePort } = require('node:worker_threads');
    const post = MessagePort.prototype.postMessage;
    MessagePort.prototype.postMessage = function (message, ...more) {
      if (message.output === undefined) post.call(this, message, ...more);
    };`;
  for (const [name, code] of [
    ['loses', loses],
    ['loses-and-dies', loses + DIES_IN_RESET],
  ] as const) {
    const run = await runsOn(t, name, code);
    for (let round = 0; round < 2; round++) {
      const { status, output, error } = await run();
      t.is(status, 'error');
      t.is(error, "the function's thread failed: its output did not arrive");
      t.is(output.length, 0);
    }
  }
});

/** A small guest that grows its memory, so that the next run needs a new instance. */
const growing = assemble(`(module
  (memory (export "memory") 1)
  (func (export "_start") (drop (memory.grow (i32.const 1)))))`);

test('the result of a guest counts when its thread dies while it creates the next instance', async (t) => {
  const dies = `
    const { Instance } = WebAssembly;
    let created = 0;
    WebAssembly.Instance = function (...given) {
      if (++created > 1) process.exit();
      return new Instance(...given);
    };`;
  const run = await runsOn(t, 'grows', dies, growing);
  for (let round = 0; round < 2; round++) {
    const { status, error } = await run();
    t.deepEqual([status, error], ['success', null]);
  }
});
