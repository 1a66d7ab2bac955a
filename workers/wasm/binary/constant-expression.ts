import { OP, VECTOR } from './opcodes.js';
import { type ByteReader, malformed } from './reader.js';

const CONSTANT_ARITHMETIC: ReadonlySet<number> = new Set([
  OP.i32Add,
  OP.i32Sub,
  OP.i32Mul,
  OP.i64Add,
  OP.i64Sub,
  OP.i64Mul,
]);

/** Skips a constant expression (§3.3.10), including instructions of the extended-const proposal. */
export function skipConstant(reader: ByteReader): void {
  for (;;) {
    const opcode = reader.u8();
    switch (opcode) {
      case OP.end:
        return;
      case OP.i32Const:
      case OP.globalGet:
      case OP.refFunc:
      case OP.refNull:
        reader.skipLeb(35);
        break;
      case OP.i64Const:
        reader.skipLeb(64);
        break;
      case OP.f32Const:
        reader.take(4);
        break;
      case OP.f64Const:
        reader.take(8);
        break;
      default:
        if (opcode === OP.vectorPrefix && reader.u32() === VECTOR.v128Const) reader.take(16);
        else if (!CONSTANT_ARITHMETIC.has(opcode)) {
          throw malformed(
            `The module initialises a global with an instruction (0x${opcode.toString(16)}) that is not constant.`,
          );
        }
    }
  }
}
