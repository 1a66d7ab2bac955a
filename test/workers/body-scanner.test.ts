import test from 'ava';
import { parse } from '../../workers/wasm/binary/parse.js';
import { scan } from '../../workers/wasm/binary/scan.js';
import { command, handMade, I32 } from '../helpers/wasm.js';

const [BLOCK, LOOP, IF, TRY, END, DROP, SELECT_T, REF_NULL, I32_CONST] = [
  0x02, 0x03, 0x04, 0x06, 0x0b, 0x1a, 0x1c, 0xd0, 0x41,
];
const FUNCREF = 0x70;
/** `(ref null func)` in two bytes, of which the second is also an instruction. */
const LONG = [0x63, FUNCREF];

const scanOf = (...code: number[]) => scan(parse(handMade(command({ functions: [{ type: 0, code }] }))));

// V8 accepts these from Node 22. Read as a type of one byte, the rest of a type would be an
// instruction: one that seems to have thousands of operands hid code that has no check for
// interrupts and is not counted.
for (const [what, ...code] of [
  ['a local', 1, 1, ...LONG, END],
  ['a block', 0, BLOCK, ...LONG, REF_NULL, FUNCREF, END, DROP, END],
  ['a loop', 0, LOOP, ...LONG, REF_NULL, FUNCREF, END, DROP, END],
  ['an if', 0, I32_CONST, 0, IF, ...LONG, REF_NULL, FUNCREF, END, DROP, END],
  ['a try', 0, TRY, ...LONG, REF_NULL, FUNCREF, END, DROP, END],
  ['a select', 0, REF_NULL, FUNCREF, REF_NULL, FUNCREF, I32_CONST, 0, SELECT_T, 1, ...LONG, DROP, END],
  ['a block with a negative type of two bytes', 0, BLOCK, 0xc0, 0x7f, END, END],
] as [string, ...number[]][]) {
  test(`a module is refused whose code cannot be read because of the type of ${what}`, (t) => {
    t.is(scanOf(...code), null);
  });
}

test('types of one byte and indexes of any length are read in locals, blocks and selects', (t) => {
  t.truthy(scanOf(2, 1, I32, 2, FUNCREF, END));
  t.truthy(scanOf(0, BLOCK, I32, I32_CONST, 0, END, DROP, END));
  t.truthy(scanOf(0, BLOCK, 0x40, END, BLOCK, 0, END, BLOCK, 0x80, 0, END, END));
  t.truthy(scanOf(0, REF_NULL, FUNCREF, REF_NULL, FUNCREF, I32_CONST, 0, SELECT_T, 1, FUNCREF, DROP, END));
});
