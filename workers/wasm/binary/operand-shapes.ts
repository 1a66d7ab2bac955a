import { OP } from './opcodes.js';

/**
 * The operand encodings of an instruction: none, a LEB128 number, a memory argument, other; and
 * none, a number or a block type for those that change where control goes.
 */
export const NONE = 0;
export const LEB = 1;
export const MEMARG = 2;
const OTHER = 3;
export const CONTROL = 4;
export const CONTROL_LEB = 5;
export const BLOCK = 6;

/** The operand encodings of the one-byte instructions without a special case in `BodyScanner`. */
export const OPERANDS = new Uint8Array(256).fill(OTHER);
const set = (shape: number, ...ranges: [number, number][]) => {
  for (const [from, to] of ranges) OPERANDS.fill(shape, from, to + 1);
};
const one = (opcode: number): [number, number] => [opcode, opcode];
set(NONE, one(OP.nop), [OP.drop, OP.select], [OP.i32Eqz, OP.i64Extend32S], one(OP.refIsNull));
set(LEB, [OP.localGet, OP.globalSet], [OP.i32Const, OP.i64Const], one(OP.refNull));
set(CONTROL, ...[OP.unreachable, OP.else, OP.end, OP.return, OP.catchAll].map(one));
set(BLOCK, [OP.block, OP.if], one(OP.try));
set(CONTROL_LEB, [OP.catch, OP.rethrow], [OP.br, OP.brIf]);
set(CONTROL_LEB, ...[OP.call, OP.returnCall, OP.delegate].map(one));
set(MEMARG, [OP.i32Load, OP.i64Store32]);

/** The number of LEB128 operands of each instruction after `OP.bulkPrefix`. */
export const BULK_OPERANDS = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1];
