import { secretPlaceholder } from '../../src/contract/trace.js';
import { PatternMatcher } from './pattern-matcher.js';

/** The minimum length of a base64 fragment to search for; shorter ones would match by chance. */
const MIN_BASE64_BYTES = 4;

/**
 * The minimum length of a value to search for, in characters: a shorter one would be found by
 * chance in most texts.
 */
const MIN_VALUE_LENGTH = 4;
/**
 * The limit of all encodings of the values together: what is to be searched for takes memory and
 * time on the main thread, about 30 ms at this size. Secrets of 20 KB in total fit.
 */
const MAX_FORM_BYTES = 256 << 10;

interface Form {
  bytes: Buffer;
  placeholder: Buffer;
}

/**
 * Replaces the values of secrets with placeholders: verbatim, and in the encodings that programs
 * use in JSON, URLs, headers and dumps. All of them are replaced in one pass, so that a placeholder
 * is not searched in turn: names and values that contain one another would make it grow without
 * end.
 */
export class Redaction {
  readonly #values = new Set<string>();
  readonly #forms: Form[] = [];
  #formBytes = 0;
  #isComplete = true;
  #matcher: PatternMatcher | null = null;

  /** Whether all values can be searched for. Otherwise nothing may be shown. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  add(name: string, value: string): void {
    if (!this.#isComplete || value.length < MIN_VALUE_LENGTH || this.#values.has(value)) return;
    this.#values.add(value);
    const placeholder = Buffer.from(secretPlaceholder(name));
    // The length is checked first: encoding a value that is far too long takes time as well.
    const forms = this.#fits(value.length) ? formsOf(value).map((form) => Buffer.from(form)) : [];
    this.#formBytes += forms.reduce((sum, { length }) => sum + length, 0);
    this.#isComplete = forms.length > 0 && this.#fits(0);
    this.#forms.push(...forms.map((bytes) => ({ bytes, placeholder })));
    this.#matcher = null;
  }

  #fits(bytes: number): boolean {
    return this.#formBytes + bytes <= MAX_FORM_BYTES;
  }

  text(text: string): string {
    const bytes = Buffer.from(text);
    const left = this.bytes(bytes);
    return left === bytes ? text : Buffer.from(left).toString();
  }

  bytes(bytes: Uint8Array): Uint8Array {
    if (this.#forms.length === 0) return bytes;
    this.#matcher ??= new PatternMatcher(this.#forms.map((form) => form.bytes));
    const covered = this.#matcher.cover(bytes);
    if (covered.length === 0) return bytes;
    const parts: Uint8Array[] = [];
    let end = 0;
    for (const { from, to, pattern } of covered) {
      parts.push(bytes.subarray(end, from), this.#forms[pattern]?.placeholder ?? Buffer.alloc(0));
      end = to;
    }
    return Buffer.concat([...parts, bytes.subarray(end)]);
  }

  /**
   * Returns what stands for the value of a secret where a function reads it, however short it is.
   */
  value(name: string, value: string): string {
    return value.length < MIN_VALUE_LENGTH ? secretPlaceholder(name) : this.text(value);
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
