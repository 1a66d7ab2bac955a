// Blob and File (File API), completely in memory.
import { bytesOf, join } from './bytes.js';
import { ReadableStream } from './streams.js';

const utf8 = new TextEncoder();
const utf8Text = new TextDecoder();
/** A type with any other character is treated as empty. */
const TYPE = /^[\x20-\x7e]*$/;

export interface BlobOptions {
  type?: string;
}

export class Blob {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;

  constructor(parts: Iterable<unknown> = [], { type = '' }: BlobOptions = {}) {
    if (typeof parts !== 'object' || parts === null) throw new TypeError('A Blob is made of a list of parts');
    this.#bytes = join([...parts].map(partOf));
    const given = String(type);
    this.type = TYPE.test(given) ? given.toLowerCase() : '';
  }

  get size(): number {
    return this.#bytes.length;
  }

  slice(start = 0, end = this.size, type = ''): Blob {
    return new Blob([this.#bytes.slice(start, end)], { type });
  }

  async text(): Promise<string> {
    return utf8Text.decode(this.#bytes);
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#bytes.slice();
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#bytes.slice().buffer;
  }

  stream(): ReadableStream {
    return ReadableStream.from(this.size === 0 ? [] : [this.#bytes.slice()]);
  }

  /** Returns the content; used by the runtime. */
  static contentOf(blob: Blob): Uint8Array<ArrayBuffer> {
    return blob.#bytes;
  }
}

export class File extends Blob {
  readonly name: string;
  readonly lastModified: number;

  constructor(parts: Iterable<unknown>, name: string, options: BlobOptions & { lastModified?: number } = {}) {
    super(parts, options);
    this.name = String(name).toWellFormed();
    this.lastModified = Number(options.lastModified ?? Date.now());
  }
}

function partOf(part: unknown): Uint8Array {
  if (part instanceof Blob) return Blob.contentOf(part);
  return bytesOf(part) ?? utf8.encode(String(part).toWellFormed());
}
