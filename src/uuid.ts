import { randomUUID } from 'node:crypto';

let lastMs = 0;
let sequence = 0;

/**
 * Returns a UUIDv7 (RFC 9562 §6.2, method 1): 48 bits of Unix milliseconds, a 12-bit counter that
 * orders ids of one millisecond, and 62 random bits.
 */
export function uuidv7(now: number = Date.now()): string {
  if (now > lastMs) {
    lastMs = now;
    sequence = 0;
  } else {
    sequence += 1;
    // Counter overflow: use the next millisecond, which keeps the order.
    if (sequence > 0xfff) {
      lastMs += 1;
      sequence = 0;
    }
  }
  // The variant and random bits come from a version 4 UUID: Node generates these from a pool of
  // random bytes, which is six times as fast.
  return format(lastMs, sequence, randomUUID().slice(19));
}

/**
 * Returns a UUIDv7 with the time and, instead of the counter and random bits, those of a digest.
 */
export function uuidOf(milliseconds: number, digest: Buffer): string {
  const bytes = Buffer.from(digest);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  const tail = bytes.toString('hex', 8, 16);
  return format(milliseconds, bytes.readUInt16BE(6) & 0xfff, `${tail.slice(0, 4)}-${tail.slice(4)}`);
}

let formatted = { milliseconds: -1, text: '' };

function format(milliseconds: number, order: number, tail: string): string {
  // Caches the formatted time, as many ids are created within one millisecond.
  if (formatted.milliseconds !== milliseconds) {
    const time = milliseconds.toString(16).padStart(12, '0');
    formatted = { milliseconds, text: `${time.slice(0, 8)}-${time.slice(8)}-` };
  }
  return `${formatted.text}${(0x7000 | order).toString(16)}-${tail}`;
}
