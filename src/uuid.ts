import { createHash, randomBytes } from 'node:crypto';

let lastMs = 0;
let sequence = 0;

/**
 * A UUIDv7 (RFC 9562 §6.2, method 1): 48 bits of Unix milliseconds, a 12-bit counter that keeps ids made in
 * one millisecond in order, 62 random bits.
 */
export function uuidv7(now: number = Date.now()): string {
  if (now > lastMs) {
    lastMs = now;
    sequence = 0;
  } else {
    sequence += 1;
    // The counter is full: borrow from the next millisecond instead of repeating an order.
    if (sequence > 0xfff) {
      lastMs += 1;
      sequence = 0;
    }
  }
  return format(lastMs, sequence, randomBytes(16));
}

/** The one UUIDv7 of this time and name: the same again for the same, so that what is done twice is done once. */
export function uuidOf(milliseconds: number, name: string): string {
  const digest = createHash('sha256').update(name).digest();
  return format(milliseconds, digest.readUInt16BE(6) & 0xfff, digest.subarray(0, 16));
}

function format(milliseconds: number, order: number, bytes: Buffer): string {
  bytes.writeUIntBE(milliseconds, 0, 6);
  bytes.writeUInt16BE(0x7000 | order, 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
