import { handMade, I32, I64 } from './wasm.js';

/** loop: br 0 */
export const ENDLESS = [0x03, 0x40, 0x0c, 0, 0x0b] as const;

/**
 * Creates a reactor with this code in `_initialize`. A different `mark` (below 64) gives a
 * different module.
 */
export function reactor(initialize: readonly number[], mark = 16): Uint8Array {
  return handMade({
    types: [
      [[], []],
      [[I32, I32], [I64]],
      [[I32], [I32]],
    ],
    functions: [
      { type: 0, code: [0, ...initialize] },
      { type: 1, code: [0, 0x42, 0] },
      { type: 2, code: [0, 0x41, mark] },
    ],
    memories: [[0, 1]],
    exports: [
      { name: 'memory', kind: 2, index: 0 },
      { name: '_initialize', kind: 0, index: 0 },
      { name: 'handle', kind: 0, index: 1 },
      { name: 'orama_alloc', kind: 0, index: 2 },
    ],
  });
}
