/** How many operands an instruction takes and gives, by its first byte; -1 for those that need more than that to be told. */
export const TAKES = new Int8Array(256).fill(-1);
export const GIVES = new Int8Array(256);

function shape(takes: number, gives: number, ...ranges: [number, number][]): void {
  for (const [from, to] of ranges) {
    TAKES.fill(takes, from, to + 1);
    GIVES.fill(gives, from, to + 1);
  }
}
shape(0, 0, [0x01, 0x01]);
shape(1, 0, [0x1a, 0x1a]);
shape(3, 1, [0x1b, 0x1b]);
shape(0, 1, [0x43, 0x44]);
shape(2, 1, [0x46, 0x4f], [0x51, 0x66], [0x6a, 0x78], [0x7c, 0x8a], [0x92, 0x98], [0xa0, 0xa6]);
shape(1, 1, [0x45, 0x45], [0x50, 0x50], [0x67, 0x69], [0x79, 0x7b], [0x8b, 0x91], [0x99, 0x9f], [0xa7, 0xc4]);
