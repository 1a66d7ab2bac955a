import { secretPlaceholder } from '../../src/contract/trace.js';

/** The fewest characters of base64 that are looked for: fewer would be found by chance. */
const LEAST_BASE64 = 4;

/**
 * Puts a placeholder where the value of a secret stands: as it is, and as programs write it into
 * JSON, URLs, headers and dumps.
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
    // The longest first: one may be part of another.
    this.#forms = forms.sort(([a], [b]) => b.length - a.length);
  }

  text(text: string): string {
    return this.#forms.reduce((rest, [form, placeholder]) => rest.replaceAll(form, placeholder), text);
  }

  /** Bytes are looked at as Latin-1: whatever they are, none is lost. */
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

/** How it looks inside of base64 of more, `before` bytes behind a multiple of three. */
function insideBase64(bytes: Buffer, before: number): string[] {
  const encoded = Buffer.concat([Buffer.alloc(before), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  const first = Math.ceil((before * 8) / 6);
  // The last character holds bits of what follows, unless the bytes end where it does.
  const last = (before + bytes.length) % 3 === 0 ? encoded.length : encoded.length - 1;
  const stable = encoded.slice(first, last);
  if (stable.length < LEAST_BASE64) return [];
  return [stable, stable.replaceAll('+', '-').replaceAll('/', '_')];
}

function asLatin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}
