/**
 * Value types as the binary format writes them. In a file of their own: threads need these, not the
 * parser.
 */
export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;
export const F64 = 0x7c;
