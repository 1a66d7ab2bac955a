import { skipConstant } from './constant-expression.js';
import { type ByteReader, malformed } from './reader.js';

/** The flags of an element segment (WebAssembly core specification 2.0, §5.5.12). */
const FLAGS = { notActive: 1, explicit: 2, expressions: 4, all: 7 } as const;

/** Reads an element segment and returns the number of its entries. */
export function readElements(reader: ByteReader): number {
  const flags = reader.u32();
  if (flags > FLAGS.all) throw malformed(`The module has an element segment of unknown kind ${flags}.`);
  const isActive = (flags & FLAGS.notActive) === 0;
  const isExplicit = (flags & FLAGS.explicit) !== 0;
  if (isActive && isExplicit) reader.u32();
  if (isActive) skipConstant(reader);
  // The kind or type of the entries, which active segments of table 0 leave out.
  if (!isActive || isExplicit) reader.u8();
  const count = reader.count();
  for (let left = count; left > 0; left--) {
    if ((flags & FLAGS.expressions) !== 0) skipConstant(reader);
    else reader.u32();
  }
  return count;
}
