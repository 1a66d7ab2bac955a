import { startEngine, type TestEngine } from './running-engine.js';
import { assemble } from './wat.js';

/**
 * An engine with the functions that the tests of the clients call, and the environment by which
 * they find it.
 */
export interface ClientEngine {
  engine: TestEngine;
  env: Record<string, string>;
  close(): Promise<void>;
}

/**
 * `hello` echoes its input. For an input that begins with `!` it exits with code 65 after writing
 * it; for `?` it fails.
 */
export async function startClientEngine(): Promise<ClientEngine> {
  const engine = await startEngine();
  await engine.api.deploy('hello', await assemble(ECHO), {
    metadata: JSON.stringify({ triggers: [{ topic: 'clients:fires' }] }),
  });
  return {
    engine,
    env: { ORAMA_URL: engine.url, ORAMA_API_KEY: engine.adminKey },
    close: () => engine.close(),
  };
}

const ECHO = `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 32)
  ;; 0: address and size of a piece; 8: how much of it was moved. The input begins at 1024.
  (func (export "_start") (local $size i32) (local $done i32)
    (block $end (loop $more
      (i32.store (i32.const 0) (i32.add (i32.const 1024) (local.get $size)))
      (i32.store (i32.const 4) (i32.const 65536))
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br_if $end (i32.eqz (i32.load (i32.const 8))))
      (local.set $size (i32.add (local.get $size) (i32.load (i32.const 8))))
      (br $more)))
    (block $written (loop $more
      (br_if $written (i32.ge_u (local.get $done) (local.get $size)))
      (i32.store (i32.const 0) (i32.add (i32.const 1024) (local.get $done)))
      (i32.store (i32.const 4) (i32.sub (local.get $size) (local.get $done)))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $done (i32.add (local.get $done) (i32.load (i32.const 8))))
      (br $more)))
    (if (i32.eq (i32.load8_u (i32.const 1024)) (i32.const 33)) (then (call $exit (i32.const 65))))
    (if (i32.eq (i32.load8_u (i32.const 1024)) (i32.const 63)) (then unreachable))))`;
