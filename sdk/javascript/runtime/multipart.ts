// Forms as bodies of requests and responses: multipart/form-data (RFC 7578) and
// application/x-www-form-urlencoded.
import { Blob, File } from './blob.js';
import { join } from './bytes.js';
import { FormData } from './form-data.js';
import { URLSearchParams } from './url.js';

const utf8 = new TextEncoder();
const utf8Text = new TextDecoder();
const [CR, LF, DASH] = [13, 10, 45];

/** Parses a body of this content type as a form. */
export function parseForm(body: Uint8Array<ArrayBuffer>, contentType: string | null): FormData {
  const [essence = '', ...parameters] = (contentType ?? '').split(';').map((part) => part.trim());
  switch (essence.toLowerCase()) {
    case 'application/x-www-form-urlencoded': {
      const form = new FormData();
      for (const [name, value] of new URLSearchParams(utf8Text.decode(body))) form.append(name, value);
      return form;
    }
    case 'multipart/form-data': {
      const boundary = parameters.map(boundaryOf).find((found) => found !== undefined);
      if (boundary === undefined) throw new TypeError('The content type of the form names no boundary');
      return parseParts(body, utf8.encode(`--${boundary}`));
    }
    default:
      throw new TypeError(`A body of type "${contentType ?? ''}" is no form`);
  }
}

function boundaryOf(parameter: string): string | undefined {
  const [, quoted, plain] = /^boundary=(?:"([^"]+)"|([^"\s]+))$/i.exec(parameter) ?? [];
  return quoted ?? plain;
}

function parseParts(body: Uint8Array<ArrayBuffer>, boundary: Uint8Array): FormData {
  const form = new FormData();
  let at = 0;
  while (body[at] === CR && body[at + 1] === LF) at += 2;
  for (;;) {
    at = expect(body, at, boundary);
    if (body[at] === DASH && body[at + 1] === DASH) return form;
    at = expect(body, at, LINE_END);
    const { headers, next } = parseHeaders(body, at);
    const end = find(body, join([LINE_END, boundary]), next);
    if (end < 0) throw new TypeError('A part of the form has no end');
    append(form, headers, body.slice(next, end));
    at = end + LINE_END.length;
  }
}

const LINE_END = Uint8Array.of(CR, LF);

function parseHeaders(body: Uint8Array, from: number): { headers: Map<string, string>; next: number } {
  const headers = new Map<string, string>();
  for (let at = from; ; ) {
    const end = find(body, LINE_END, at);
    if (end < 0) throw new TypeError('The headers of a part of the form have no end');
    if (end === at) return { headers, next: end + LINE_END.length };
    const line = utf8Text.decode(body.slice(at, end));
    const colon = line.indexOf(':');
    if (colon < 1) throw new TypeError('A header of a part of the form has no name');
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    at = end + LINE_END.length;
  }
}

function append(
  form: FormData,
  headers: ReadonlyMap<string, string>,
  content: Uint8Array<ArrayBuffer>,
): void {
  const disposition = headers.get('content-disposition') ?? '';
  const name = /^form-data\b.*?;\s*name="([^"]*)"/i.exec(disposition)?.[1];
  if (name === undefined) throw new TypeError('A part of the form has no name');
  const filename = /;\s*filename="([^"]*)"/i.exec(disposition)?.[1];
  if (filename === undefined) {
    form.append(unescapeName(name), utf8Text.decode(content));
    return;
  }
  const type = headers.get('content-type') ?? 'text/plain';
  form.append(unescapeName(name), new File([content], unescapeName(filename), { type }));
}

/** Encodes a form as a body with its content type. */
export function encodeForm(form: FormData): { bytes: Uint8Array<ArrayBuffer>; type: string } {
  const random = globalThis.crypto.getRandomValues(new Uint32Array(4));
  const boundary = `----formdata-orama-${Array.from(random, (part) => part.toString(36)).join('')}`;
  const parts: Uint8Array[] = [];
  for (const [name, value] of form) {
    const field = `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(lines(name))}"`;
    if (typeof value === 'string') {
      parts.push(utf8.encode(`${field}\r\n\r\n${lines(value)}\r\n`));
      continue;
    }
    const type = value.type === '' ? 'application/octet-stream' : value.type;
    parts.push(
      utf8.encode(`${field}; filename="${escapeName(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`),
    );
    parts.push(Blob.contentOf(value), LINE_END);
  }
  parts.push(utf8.encode(`--${boundary}--\r\n`));
  return { bytes: join(parts), type: `multipart/form-data; boundary=${boundary}` };
}

const lines = (text: string) => text.replace(/\r?\n|\r/g, '\r\n');
const escapeName = (text: string) =>
  text.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22');
const unescapeName = (text: string) =>
  text.replace(/%0a/gi, '\n').replace(/%0d/gi, '\r').replaceAll('%22', '"');

function expect(body: Uint8Array, at: number, what: Uint8Array): number {
  if (!isAt(body, what, at)) throw new TypeError('The form is not made as its content type says');
  return at + what.length;
}

function find(body: Uint8Array, what: Uint8Array, from: number): number {
  const [first = 0] = what;
  for (let at = body.indexOf(first, from); at >= 0; at = body.indexOf(first, at + 1)) {
    if (isAt(body, what, at)) return at;
  }
  return -1;
}

function isAt(body: Uint8Array, what: Uint8Array, at: number): boolean {
  return at + what.length <= body.length && what.every((byte, index) => body[at + index] === byte);
}
