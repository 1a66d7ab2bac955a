import { Blob } from './blob.js';
import { bytesOf, join } from './bytes.js';
import { FormData } from './form-data.js';
import type { Headers } from './headers.js';
import type { Bytes } from './host.js';
import { encodeForm, parseForm } from './multipart.js';
import { ReadableStream } from './streams.js';
import { URLSearchParams } from './url.js';

/** What a request or response carries. Read as text or as bytes, whichever is asked for first is made first. */
export interface Content {
  text(): string;
  bytes(): Uint8Array<ArrayBuffer>;
  /** Whichever it is already. */
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

/** Text that is sent as it is; a byte order mark is not part of what is read. */
export const withoutMark = (text: string) => (text.startsWith('\ufeff') ? text.slice(1) : text);

export function textContent(text: string): Content {
  return { text: () => withoutMark(text), bytes: () => utf8.encode(text), send: () => text };
}

export function bytesContent(bytes: Uint8Array<ArrayBuffer>): Content {
  return { text: () => utf8Text.decode(bytes), bytes: () => bytes, send: () => bytes };
}

/** A body that is all there, or one that is still to come. */
export interface Carried {
  content: Content | null;
  stream: ReadableStream | null;
}

/** A body and the type that it has by itself. */
interface Extracted extends Carried {
  type: string | null;
}

export function extract(body: unknown): Extracted {
  if (body === null || body === undefined) return { content: null, stream: null, type: null };
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
  const text = String(body).toWellFormed();
  return { content: textContent(text), stream: null, type: 'text/plain;charset=UTF-8' };
}

/** A text that is known to be JSON. */
export class JsonText {
  constructor(readonly text: string) {}
}

const NOTHING = textContent('');

/** The part that Request and Response have in common. */
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

  /** The stream is made when it is asked for; the body counts as used once somebody reads from it. */
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

  /** The content, for the runtime: as it is sent. */
  async send(): Promise<Bytes> {
    return (this.#takeContent() ?? (await this.#collect())).send();
  }

  /** Gives a request or response without a body one, for the runtime. */
  static fill<T extends Body>(target: T, { content, stream }: Carried): T {
    target.#content = content;
    target.#stream = stream;
    return target;
  }

  /** What a clone has: the same content, to be read once more. */
  share(): Carried {
    if (this.#used || this.#stream?.locked === true) throw new TypeError('The body has been used already');
    if (this.#content !== null || this.#stream === null) return { content: this.#content, stream: null };
    const [mine, theirs] = split(this.#stream);
    this.#stream = mine;
    return { content: null, stream: theirs };
  }

  /** What is all there; null of a stream. */
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

/** Two streams with the chunks of one, read once. */
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
