import { concat, i32Const, name, section } from '../../workers/wasm/binary/writer.js';
import { FUNCTION, handMade, I32, I64, MEMORY } from './wasm.js';

/** An operation that the guest performs on its memory. */
export type Poke =
  | { do: 'store8' | 'store64' | 'storeFar' | 'storeAndTrap'; at: number }
  | { do: 'fill'; at: number; length: number }
  | { do: 'copy'; at: number; from: number; length: number }
  | { do: 'grow'; pages: number }
  /** Ends the run; the bytes at this address are the output. */
  | { do: 'read'; at: number; length: number };

/** Address of the guest's input, which is the only difference in memory between two fresh runs. */
export const INPUT_AT = 1024;
export const PAGES = 2;
/** The region that `_initialize` fills. */
export const FILLED = { at: 4096, length: 50_000, byte: 0x5a };
const RECORD_BYTES = 13;
const CODES = {
  store8: 1,
  store64: 2,
  storeFar: 3,
  storeAndTrap: 4,
  fill: 5,
  copy: 6,
  grow: 7,
  read: 8,
} as const;

export function pokes(...all: Poke[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(all.length * RECORD_BYTES));
  all.forEach((poke, index) => {
    const [a, b, c] = operands(poke);
    view.setUint8(index * RECORD_BYTES, CODES[poke.do]);
    [a, b, c].forEach((value, place) => {
      view.setUint32(index * RECORD_BYTES + 1 + 4 * place, value, true);
    });
  });
  return new Uint8Array(view.buffer);
}

function operands(poke: Poke): [number, number, number] {
  switch (poke.do) {
    case 'fill':
      return [poke.at, 0xee, poke.length];
    case 'copy':
      return [poke.at, poke.from, poke.length];
    case 'grow':
      return [poke.pages, 0, 0];
    case 'read':
      return [poke.at, poke.length, 0];
    default:
      return [poke.at, 0xee, 0];
  }
}

/**
 * Creates a reactor that performs the memory operations in its input. With `fromGo` it appears to
 * be built by Go and gets write barriers.
 */
export function pokingGuest({ fromGo }: { fromGo: boolean }): Uint8Array {
  const [pointer, length, operation, a, b, c] = [0, 1, 2, 3, 4, 5];
  const get = (local: number) => [0x20, local];
  const when = (kind: keyof typeof CODES, code: number[]) => [
    ...[...get(operation), 0x41, CODES[kind], 0x46, 0x04, 0x40],
    ...code,
    0x0b,
  ];
  const read = (local: number, at: number) => [...get(pointer), 0x28, 0, at, 0x21, local];
  const value = [0x42, 0x6f]; // i64.const -17
  const handle = [
    ...[1, 4, I32],
    ...[0x03, 0x40, ...get(length), 0x41, RECORD_BYTES, 0x4f, 0x04, 0x40], // loop while length >=u 13
    ...[...get(pointer), 0x2d, 0, 0, 0x21, operation],
    ...[...read(a, 1), ...read(b, 5), ...read(c, 9)],
    ...when('store8', [...get(a), ...get(b), 0x3a, 0, 0]),
    ...when('store64', [...get(a), ...value, 0x37, 0, 0]),
    ...when('storeFar', [...get(a), ...value, 0x37, 0, 0xff, 0xff, 0xff, 0xff, 0x0f]),
    ...when('storeAndTrap', [...get(a), ...value, 0x37, 0, 0, 0x00]),
    ...when('fill', [...get(a), ...get(b), ...get(c), 0xfc, 11, 0]),
    ...when('copy', [...get(a), ...get(b), ...get(c), 0xfc, 10, 0, 0]),
    ...when('grow', [...get(a), 0x40, 0, 0x1a]),
    ...when('read', [...get(b), 0xad, 0x42, 32, 0x86, ...get(a), 0xad, 0x84, 0x0f]),
    ...[...get(pointer), 0x41, RECORD_BYTES, 0x6a, 0x21, pointer],
    ...[...get(length), 0x41, RECORD_BYTES, 0x6b, 0x21, length],
    ...[0x0c, 1, 0x0b, 0x0b], // br to loop; end; end
    ...[0x42, 0],
  ];
  const initialize = [
    0,
    ...i32Const(FILLED.at),
    ...i32Const(FILLED.byte),
    ...i32Const(FILLED.length),
    ...[0xfc, 11, 0],
  ];
  const module = handMade({
    types: [
      [[I32, I32], [I64]],
      [[I32], [I32]],
      [[], []],
    ],
    functions: [
      { type: 0, code: handle },
      { type: 1, code: [0, ...i32Const(INPUT_AT)] },
      { type: 2, code: initialize },
    ],
    memories: [[0, PAGES]],
    exports: [
      { name: 'handle', kind: FUNCTION, index: 0 },
      { name: 'orama_alloc', kind: FUNCTION, index: 1 },
      { name: '_initialize', kind: FUNCTION, index: 2 },
      { name: 'memory', kind: MEMORY, index: 0 },
    ],
  });
  return fromGo ? concat([module, section(0, name('go:buildid'))]) : module;
}
