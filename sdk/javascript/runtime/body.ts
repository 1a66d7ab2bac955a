import { Blob } from './blob.js';
import { bytesOf, join } from './bytes.js';
import { FormData } from './form-data.js';
import type { Headers } from './headers.js';
import type { Bytes } from './host.js';
import { encodeForm, parseForm } from './multipart.js';
import { ReadableStream } from './streams.js';
import { URLSearchParams } from './url.js';

/** The content of a request or response. Text and bytes are converted lazily. */
export interface Content {
  text(): string;
  bytes(): Uint8Array<ArrayBuffer>;
  /** Returns the existing representation. */
  send(): Bytes;
}

export type BodyInit =
  | string
  | ArrayBuffer
  | ArrayBufferView
  | URLSearchParams
  | ReadableStream
  | Blob
  | FormData;

const utf8 = new TextEncoder();
const utf8Text = new TextDecoder();

/** Removes a byte order mark, which is not part of the decoded text (Encoding standard). */
export const withoutMark = (text: string) => (text.startsWith('\ufeff') ? text.slice(1) : text);

export function textContent(text: string): Content {
  return { text: () => withoutMark(text), bytes: () => utf8.encode(text), send: () => text };
}

export function bytesContent(bytes: Uint8Array<ArrayBuffer>): Content {
  return { text: () => utf8Text.decode(bytes), bytes: () => bytes, send: () => bytes };
}

/** A complete body, or a stream. */
export interface Carried {
  content: Content | null;
  stream: ReadableStream | null;
}

/** A body with its default content type. */
interface Extracted extends Carried {
  type: string | null;
}

export function extract(body: unknown): Extracted {
  if (body === null || body === undefined) return { content: null, stream: null, type: null };
  if (body instanceof ReadableStream && body.locked) throw new TypeError('The stream is locked to a reader');
  if (body instanceof ReadableStream) return { content: null, stream: body, type: null };
  if (body instanceof URLSearchParams) {
    const type = 'application/x-www-form-urlencoded;charset=UTF-8';
    return { content: textContent(body.toString()), stream: null, type };
  }
  if (body instanceof JsonText) {
    return { content: textContent(body.text), stream: null, type: 'application/json' };
  }
  if (body instanceof Blob) {
    const type = body.type === '' ? null : body.type;
    return { content: bytesContent(Blob.contentOf(body)), stream: null, type };
  }
  if (body instanceof FormData) {
    const { bytes, type } = encodeForm(body);
    return { content: bytesContent(bytes), stream: null, type };
  }
  const bytes = bytesOf(body);
  if (bytes !== null) return { content: bytesContent(bytes), stream: null, type: null };
  const text = `${body}`.toWellFormed();
  return { content: textContent(text), stream: null, type: 'text/plain;charset=UTF-8' };
}

/** Converts an argument with options as a browser does (Web IDL): null and undefined have none. */
export function dictionary<T extends object>(given: T | null | undefined): Partial<T> {
  if (given === null || given === undefined) return {};
  if (typeof given !== 'object' && typeof given !== 'function')
    throw new TypeError(`The options must be an object, not ${typeof given}`);
  return given;
}

/** A text that is known to be JSON. */
export class JsonText {
  constructor(readonly text: string) {}
}

const NOTHING = textContent('');

/** The Body mixin of Request and Response (Fetch standard). */
export abstract class Body {
  abstract readonly headers: Headers;
  #content: Content | null;
  #stream: ReadableStream | null;
  #used = false;

  constructor({ content, stream }: Carried) {
    this.#content = content;
    this.#stream = stream;
  }

  get bodyUsed(): boolean {
    return this.#used;
  }

  /** The stream is created on access; the body counts as used when it is read. */
  get body(): ReadableStream | null {
    const content = this.#content;
    if (this.#stream === null && content !== null) {
      this.#stream = new ReadableStream({
        pull: (controller) => {
          this.#used = true;
          const bytes = content.bytes();
          if (bytes.length > 0) controller.enqueue(bytes);
          controller.close();
        },
      });
    }
    return this.#stream;
  }

  async text(): Promise<string> {
    return (this.#takeContent() ?? (await this.#collect())).text();
  }

  async json(): Promise<unknown> {
    return JSON.parse((this.#takeContent() ?? (await this.#collect())).text());
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return (this.#takeContent() ?? (await this.#collect())).bytes().slice();
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer;
  }

  async blob(): Promise<Blob> {
    const parts = (this.headers.get('content-type') ?? '').split(';').map((part) => part.trim());
    return new Blob([await this.bytes()], { type: parts.join(';') });
  }

  async formData(): Promise<FormData> {
    return parseForm(await this.bytes(), this.headers.get('content-type'));
  }

  /** Returns the content for sending; used by the runtime. */
  async send(): Promise<Bytes> {
    return (this.#takeContent() ?? (await this.#collect())).send();
  }

  /** Sets the body of a request or response without one; used by the runtime. */
  static fill<T extends Body>(target: T, { content, stream }: Carried): T {
    target.#content = content;
    target.#stream = stream;
    return target;
  }

  /** Returns the content for a clone, to be read separately. */
  share(): Carried {
    if (this.#used || this.#stream?.locked === true) throw new TypeError('The body has been used already');
    if (this.#content !== null || this.#stream === null) return { content: this.#content, stream: null };
    const [mine, theirs] = split(this.#stream);
    this.#stream = mine;
    return { content: null, stream: theirs };
  }

  /** Moves the content to another request. */
  transfer(): Carried {
    if (this.#used || this.#stream?.locked === true) throw new TypeError('The body has been used already');
    const carried = { content: this.#content, stream: this.#content === null ? this.#stream : null };
    this.#used = carried.content !== null || carried.stream !== null;
    return carried;
  }

  /** Takes the complete content; null for a stream. */
  #takeContent(): Content | null {
    if (this.#used || this.#stream?.locked === true) throw new TypeError('The body has been used already');
    if (this.#content !== null) {
      this.#used = true;
      return this.#content;
    }
    return this.#stream === null ? NOTHING : null;
  }

  async #collect(): Promise<Content> {
    const stream = this.#stream;
    this.#used = true;
    return stream === null ? NOTHING : bytesContent(await collect(stream));
  }
}

async function collect(stream: ReadableStream): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('A body stream must give Uint8Array chunks');
    chunks.push(chunk);
  }
  return join(chunks);
}

/** Returns two streams with the content of one, which is read once. */
function split(stream: ReadableStream): [ReadableStream, ReadableStream] {
  const all = collect(stream);
  const make = () =>
    new ReadableStream({
      async pull(controller) {
        controller.enqueue(await all);
        controller.close();
      },
    });
  return [make(), make()];
}
