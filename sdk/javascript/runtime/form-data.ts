// FormData (XMLHttpRequest standard).
import { Blob, File } from './blob.js';

export type FormValue = string | File;
type Entry = [name: string, value: FormValue];

export class FormData {
  #entries: Entry[] = [];

  constructor(form?: unknown) {
    if (form !== undefined) throw new TypeError('FormData is made without a form, as there is no page here');
  }

  append(name: string, value: unknown, filename?: string): void {
    this.#entries.push(entryOf(name, value, filename));
  }

  delete(name: string): void {
    this.#entries = this.#entries.filter(([each]) => each !== String(name));
  }

  get(name: string): FormValue | null {
    return this.#entries.find(([each]) => each === String(name))?.[1] ?? null;
  }

  getAll(name: string): FormValue[] {
    return this.#entries.filter(([each]) => each === String(name)).map(([, value]) => value);
  }

  has(name: string): boolean {
    return this.#entries.some(([each]) => each === String(name));
  }

  set(name: string, value: unknown, filename?: string): void {
    const entry = entryOf(name, value, filename);
    const at = this.#entries.findIndex(([each]) => each === entry[0]);
    if (at < 0) {
      this.#entries.push(entry);
      return;
    }
    this.#entries = this.#entries.filter(([each], index) => each !== entry[0] || index === at);
    this.#entries[at] = entry;
  }

  forEach(callback: (value: FormValue, name: string, form: FormData) => void, self?: unknown): void {
    for (const [name, value] of this) callback.call(self, value, name, this);
  }

  *entries(): Generator<Entry, void> {
    for (const [name, value] of this.#entries) yield [name, value];
  }

  *keys(): Generator<string, void> {
    for (const [name] of this) yield name;
  }

  *values(): Generator<FormValue, void> {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator](): Generator<Entry, void> {
    return this.entries();
  }
}

/** Converts a value to an entry: a Blob becomes a File with the given name. */
function entryOf(name: string, value: unknown, filename: string | undefined): Entry {
  const key = String(name).toWellFormed();
  if (!(value instanceof Blob)) {
    if (filename !== undefined) throw new TypeError('Only a Blob or File takes a file name');
    return [key, String(value).toWellFormed()];
  }
  if (value instanceof File && filename === undefined) return [key, value];
  const { type } = value;
  const modified = value instanceof File ? { lastModified: value.lastModified } : {};
  return [key, new File([value], filename ?? 'blob', { type, ...modified })];
}
