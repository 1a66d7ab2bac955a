import { OP } from './opcodes.js';

/**
 * The number of operands that each instruction pops and pushes, by its first byte; -1 when the
 * first byte does not determine them.
 */
export const POPS = new Int8Array(256).fill(-1);
export const PUSHES = new Int8Array(256);

function shape(pops: number, pushes: number, ...ranges: [number, number][]): void {
  for (const [from, to] of ranges) {
    POPS.fill(pops, from, to + 1);
    PUSHES.fill(pushes, from, to + 1);
  }
}
shape(0, 0, [OP.nop, OP.nop]);
shape(1, 0, [OP.drop, OP.drop]);
shape(3, 1, [OP.select, OP.select]);
shape(0, 1, [OP.f32Const, OP.f64Const]);
// Comparisons, arithmetic and conversions with two operands and with one, in the order of their
// opcodes.
shape(
  2,
  1,
  [OP.i32Eq, OP.i64Eqz - 1],
  [OP.i64Eq, OP.f64Ge],
  [OP.i32Add, OP.i32Rotr],
  [OP.i64Add, OP.i64Rotr],
);
shape(2, 1, [OP.f32Add, OP.f32Copysign], [OP.f64Add, OP.f64Copysign]);
shape(
  1,
  1,
  [OP.i32Eqz, OP.i32Eqz],
  [OP.i64Eqz, OP.i64Eqz],
  [OP.i32Clz, OP.i32Popcnt],
  [OP.i64Clz, OP.i64Popcnt],
);
shape(1, 1, [OP.f32Abs, OP.f32Sqrt], [OP.f64Abs, OP.f64Sqrt], [OP.i32WrapI64, OP.i64Extend32S]);
