import { createHash, randomUUID } from 'node:crypto';

let lastMs = 0;
let sequence = 0;

/**
 * A UUIDv7 (RFC 9562 §6.2, method 1): 48 bits of Unix milliseconds, a 12-bit counter that keeps ids
 * made in one millisecond in order, 62 random bits.
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
  // Variant and random bits are those of a version 4, which Node makes from a store of random
  // bytes: six times as fast.
  return format(lastMs, sequence, randomUUID().slice(19));
}

/**
 * The one UUIDv7 of this time and name: the same again for the same, so that what is done twice is
 * done once.
 */
export function uuidOf(milliseconds: number, name: string): string {
  const digest = createHash('sha256').update(name).digest();
  digest.writeUInt8(0x80 | (digest.readUInt8(8) & 0x3f), 8);
  const tail = digest.toString('hex', 8, 16);
  return format(milliseconds, digest.readUInt16BE(6) & 0xfff, `${tail.slice(0, 4)}-${tail.slice(4)}`);
}

let formatted = { milliseconds: -1, text: '' };

function format(milliseconds: number, order: number, tail: string): string {
  // Many are made in one millisecond.
  if (formatted.milliseconds !== milliseconds) {
    const time = milliseconds.toString(16).padStart(12, '0');
    formatted = { milliseconds, text: `${time.slice(0, 8)}-${time.slice(8)}-` };
  }
  return `${formatted.text}${(0x7000 | order).toString(16)}-${tail}`;
}
