import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { QuickJS } from 'quickjs-wasi';
import { AppError, messageOf } from '../../../errors.js';

const TYPE = { script: 0, module: 1 } as const;
/** Strips the source text, which functions do not need and which would be most of the bytecode. */
const STRIP_SOURCE = 1 << 4;

/**
 * Compiles a script, or an ES module without imports, to QuickJS bytecode. Throws `build_failed`.
 */
export async function compile(source: string, name: string, type: keyof typeof TYPE): Promise<Uint8Array> {
  const wasm = readFileSync(fileURLToPath(import.meta.resolve('quickjs-wasi/quickjs.wasm')));
  const vm = await QuickJS.create(wasm);
  try {
    return vm.compile(source, name, TYPE[type], STRIP_SOURCE);
  } catch (cause) {
    throw new AppError('build_failed', `QuickJS cannot compile the bundle: ${messageOf(cause)}`, { cause });
  } finally {
    vm.dispose();
  }
}
