import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { QuickJS } from 'quickjs-wasi';
import { AppError, messageOf } from '../../../errors.js';

const TYPE = { script: 0, module: 1 } as const;
/** Functions do not need their own text, which would be most of the bytecode. */
const STRIP_SOURCE = 1 << 4;

/** QuickJS's bytecode of a script, or of an ES module without imports. */
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
