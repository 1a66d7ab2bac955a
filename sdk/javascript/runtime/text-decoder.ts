// QuickJS's extension decodes UTF-8 and UTF-16. Of the other encodings of the Encoding standard,
// old files and mails mostly have windows-1252, which the standard also means by latin1 and ascii.
import { trim } from './trim.js';

const LABELS: ReadonlySet<string> = new Set([
  ...['ansi_x3.4-1968', 'ascii', 'cp1252', 'cp819', 'csisolatin1', 'ibm819', 'iso-8859-1', 'iso-ir-100'],
  ...['iso8859-1', 'iso88591', 'iso_8859-1', 'iso_8859-1:1987', 'l1', 'latin1', 'us-ascii', 'windows-1252'],
  'x-cp1252',
]);
/** ASCII whitespace, which may surround a label. */
const WHITESPACE = '\t\n\f\r ';
const ENCODING = 'windows-1252';
/** The characters of 0x80 to 0x9f; all other bytes are the code points of their characters. */
const FIRST = 0x80;
const CHARACTERS = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

const Native = TextDecoder;
const units16 = new Native('utf-16le', { ignoreBOM: true });

class Decoder extends Native {
  readonly #isSingleByte: boolean;

  constructor(label = 'utf-8', options: TextDecoderOptions = {}) {
    const isSingleByte = LABELS.has(trim(`${label}`, WHITESPACE).toLowerCase());
    super(isSingleByte ? 'utf-8' : label, options);
    this.#isSingleByte = isSingleByte;
  }

  override get encoding(): string {
    return this.#isSingleByte ? ENCODING : super.encoding;
  }

  override decode(input?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string {
    if (!this.#isSingleByte || input === undefined) return super.decode(input, options);
    if (!ArrayBuffer.isView(input) && !(input instanceof ArrayBuffer)) {
      throw new TypeError('TextDecoder.decode takes an ArrayBuffer or a view of one');
    }
    return decodeSingleBytes(
      ArrayBuffer.isView(input)
        ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
        : new Uint8Array(input),
    );
  }
}

function decodeSingleBytes(bytes: Uint8Array): string {
  const units = new Uint16Array(bytes);
  for (let at = 0; at < units.length; at++) {
    const place = (units[at] ?? 0) - FIRST;
    if (place >= 0 && place < CHARACTERS.length) units[at] = CHARACTERS.charCodeAt(place);
  }
  return units16.decode(units);
}

export { Decoder as TextDecoder };
