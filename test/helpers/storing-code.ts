import fc from 'fast-check';
import { i32Const, u32 } from '../../workers/wasm/binary/writer.js';
import { command, handMade, I32, I64 } from './wasm.js';

/**
 * Random functions with the kinds of stores that compilers generate: to constant addresses, to
 * locals with offsets and with constants added or subtracted, through 64-bit integers, to loaded
 * addresses, in loops and branches, with calls in between.
 */
export const PAGES = 2;
/** Locals of each function: 32-bit ones, 64-bit ones, and loop counters. */
export const NARROW = 2;
const WIDE = 2;
const DEPTH = 4;
const COUNTERS = NARROW + WIDE;
const FUNCTIONS = 3;
const END = 0x0b;

export type Code = number[];

/** Placeholder for a call whose target is not known yet. */
export const CALL_NEXT = -1;

const i64Const = (value: number): Code => [0x42, ...i32Const(value).subarray(1)];
const get = (local: number): Code => [0x20, local];

const near = fc.integer({ min: -3000, max: 3000 });
const place = fc.oneof(
  { weight: 6, arbitrary: fc.nat(PAGES * 65_536 - 10_000) },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.nat(120), fc.integer({ min: -9, max: 9 })).map(([chunk, by]) => chunk * 1024 + by),
  },
  { weight: 1, arbitrary: fc.integer({ min: -20, max: 4 }).map((by) => PAGES * 65_536 + by) },
  { weight: 1, arbitrary: fc.constantFrom(-1, -8, -1024, -65_536, 0x7fff_ffff) },
);
const offset = fc.oneof(
  { weight: 30, arbitrary: fc.nat(64) },
  { weight: 15, arbitrary: fc.nat(3000) },
  { weight: 1, arbitrary: fc.constantFrom(0xffff_ffff, 0xffff_0000, 65_536, 0x7fff_ffff) },
);
const narrow = fc.nat(NARROW - 1);
const wide = fc.nat(WIDE - 1).map((index) => NARROW + index);

/** Code that pushes an i32 that may be an address. */
const number: fc.Arbitrary<Code> = fc.letrec<{ it: Code }>((tie) => ({
  it: fc.oneof(
    { maxDepth: 3 },
    { weight: 8, arbitrary: narrow.map(get) },
    place.map((value) => [...i32Const(value)]),
    fc.tuple(tie('it'), near).map(([code, by]) => [...code, ...i32Const(by), 0x6a]),
    fc.tuple(near, tie('it')).map(([by, code]) => [...i32Const(by), ...code, 0x6a]),
    fc.tuple(tie('it'), near).map(([code, by]) => [...code, ...i32Const(by), 0x6b]),
    fc.tuple(near, tie('it')).map(([by, code]) => [...i32Const(by), ...code, 0x6b]),
    fc.tuple(tie('it'), near).map(([code, by]) => [...code, 0xad, ...i64Const(by), 0x7c, 0xa7]),
    fc.tuple(wide, near).map(([local, by]) => [...get(local), ...i64Const(by), 0x7d, 0xa7]),
    fc.tuple(tie('it'), narrow).map(([code, local]) => [...code, 0x22, local]),
    fc
      .tuple(tie('it'), offset)
      .map(([code, at]) => [...code, 0x28, 0, ...u32(at), ...i32Const(0x1_ffff), 0x71]),
    fc.tuple(tie('it'), tie('it'), tie('it')).map((all) => [...all.flat(), 0x1b]),
    { weight: 3, arbitrary: fc.constant<Code>([0x23, 0]) },
    fc.constant<Code>([0x3f, 0]),
  ),
})).it;

const VALUES: Code[] = [
  [...i32Const(0x5a5a5a5a)],
  i64Const(-0x1234567),
  [0x43, 1, 2, 3, 4],
  [0x44, 1, 2, 3, 4, 5, 6, 7, 8],
];
/** Operand type of each store instruction from 0x36. */
const TAKEN = [0, 1, 2, 3, 0, 0, 1, 1, 1];
const store = fc
  .tuple(fc.nat(TAKEN.length - 1), number, offset)
  .map(([kind, at, by]) => [...at, ...(VALUES[TAKEN[kind] ?? 0] ?? []), 0x36 + kind, 0, ...u32(by)]);

const statement = (depth: number): fc.Arbitrary<Code> => {
  const simple: fc.WeightedArbitrary<Code>[] = [
    { weight: 8, arbitrary: store },
    { weight: 3, arbitrary: fc.tuple(number, narrow).map(([code, local]) => [...code, 0x21, local]) },
    { weight: 2, arbitrary: fc.tuple(number, wide).map(([code, local]) => [...code, 0xad, 0x21, local]) },
    { weight: 1, arbitrary: number.map((code) => [...code, 0x24, 0]) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(number, number, fc.nat(5000))
        .map(([to, from, length]) => [...to, ...from, ...i32Const(length), 0xfc, 10, 0, 0]),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(number, fc.nat(255), fc.nat(5000))
        .map(([to, byte, length]) => [...to, ...i32Const(byte), ...i32Const(length), 0xfc, 11, 0]),
    },
    { weight: 1, arbitrary: fc.nat(2).map((pages) => [...i32Const(pages), 0x40, 0, 0x1a]) },
    // Calls the next function; functions call only later ones.
    { weight: 2, arbitrary: fc.constant([CALL_NEXT]) },
  ];
  if (depth >= DEPTH) return fc.oneof(...simple);
  const body = statements(depth + 1);
  const counter = COUNTERS + depth;
  return fc.oneof(
    ...simple,
    { weight: 2, arbitrary: body.map((code) => [0x02, 0x40, ...code, END]) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(body, number, body)
        .map(([code, when, rest]) => [0x02, 0x40, ...code, ...when, 0x0d, 0, ...rest, END]),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(number, body, body)
        .map(([when, code, other]) => [...when, 0x04, 0x40, ...code, 0x05, ...other, END]),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(body, body).map(([code, dead]) => [0x02, 0x40, ...code, 0x0c, 0, ...dead, END]),
    },
    {
      weight: 2,
      arbitrary: body.map((code) => [
        ...[...i32Const(3), 0x21, counter, 0x03, 0x40],
        ...code,
        ...[...get(counter), ...i32Const(1), 0x6b, 0x22, counter, 0x0d, 0, END],
      ]),
    },
  );
};

function statements(depth: number): fc.Arbitrary<Code> {
  return fc
    .array(statement(depth), { minLength: 1, maxLength: depth === 0 ? 8 : 3 })
    .map((all) => all.flat());
}

/** Bodies of three such functions. */
export const storingBodies: fc.Arbitrary<Code[]> = fc.array(statements(0), {
  minLength: FUNCTIONS,
  maxLength: FUNCTIONS,
});

/**
 * Creates a command that begins with the first body. Local 0 and the global are i32; the locals
 * after `NARROW` of them are i64.
 */
export function storingModule(bodies: readonly Code[]): Uint8Array {
  return handMade(
    command({
      functions: bodies.map((body, index) => ({
        type: 0,
        code: [
          ...[3, NARROW, I32, WIDE, I64, DEPTH, I32],
          ...body.flatMap((byte) =>
            byte !== CALL_NEXT ? [byte] : index + 1 < bodies.length ? [0x10, index + 1] : [],
          ),
        ],
      })),
      memories: [[1, PAGES, PAGES + 3]],
      globals: [[I32, 1, ...i32Const(5000), END]],
    }),
  );
}
