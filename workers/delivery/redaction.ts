import { secretPlaceholder } from '../../src/contract/trace.js';

/** The minimum length of a base64 fragment to search for; shorter ones would match by chance. */
const MIN_BASE64_BYTES = 4;

/**
 * Replaces the values of secrets with placeholders: verbatim, and in the encodings that programs
 * use in JSON, URLs, headers and dumps.
 */
export class Redaction {
  readonly #secrets = new Map<string, string>();
  #forms: readonly (readonly [form: string, placeholder: string])[] = [];

  add(name: string, value: string): void {
    if (value === '' || this.#secrets.get(value) !== undefined) return;
    this.#secrets.set(value, secretPlaceholder(name));
    const forms = [...this.#secrets].flatMap(([secret, placeholder]) =>
      formsOf(secret).map((form) => [form, placeholder] as const),
    );
    // Longest first, because one form may be part of another.
    this.#forms = forms.sort(([a], [b]) => b.length - a.length);
  }

  text(text: string): string {
    return this.#forms.reduce((rest, [form, placeholder]) => rest.replaceAll(form, placeholder), text);
  }

  /** Redacts bytes as Latin-1, which maps every byte to one character. */
  bytes(bytes: Uint8Array): Uint8Array {
    const before = Buffer.from(bytes).toString('latin1');
    const after = this.#forms.reduce(
      (rest, [form, placeholder]) => rest.replaceAll(asLatin1(form), () => asLatin1(placeholder)),
      before,
    );
    return before === after ? bytes : Buffer.from(after, 'latin1');
  }
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const forms = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    encodeURIComponent(secret).replaceAll('%20', '+'),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    ...[0, 1, 2].flatMap((before) => insideBase64(bytes, before)),
  ];
  return [...new Set(forms)];
}

/**
 * Returns the stable part of a secret inside a longer base64 text, at an offset of `before` bytes
 * from a multiple of three.
 */
function insideBase64(bytes: Buffer, before: number): string[] {
  const encoded = Buffer.concat([Buffer.alloc(before), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  const first = Math.ceil((before * 8) / 6);
  // The last character contains bits of the following byte, unless the secret ends on a character
  // boundary.
  const last = (before + bytes.length) % 3 === 0 ? encoded.length : encoded.length - 1;
  const stable = encoded.slice(first, last);
  if (stable.length < MIN_BASE64_BYTES) return [];
  return [stable, stable.replaceAll('+', '-').replaceAll('/', '_')];
}

function asLatin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}
