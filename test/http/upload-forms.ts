import type { Api, ApiReply } from '../helpers/api.js';

export type Content = string | Uint8Array;

/** Encodes one part; `headers` are sent as they are. */
export function part(headers: string, content: Content = 'x'): Buffer {
  return Buffer.concat([Buffer.from(`--b\r\n${headers}\r\n\r\n`), Buffer.from(content), Buffer.from('\r\n')]);
}

export const field = (name: string, content: Content = 'x', more = '') =>
  part(`Content-Disposition: form-data; name="${name}"${more}`, content);
export const file = (content: Content = 'x', filename = 'filename="f"', more = '') =>
  part(`Content-Disposition: form-data; name="file"; ${filename}${more}`, content);
export const END = '--b--\r\n';

export function form(...parts: Content[]): Buffer {
  return Buffer.concat(parts.map((bytes) => Buffer.from(bytes)));
}

/** Uploads a form to the blob store. */
export function upload(api: Api, body: Content, boundary = 'b'): Promise<ApiReply> {
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
  return api.request('POST', '/v1/storage/upload', { headers, body });
}

/** Reads back what was uploaded. */
export async function download(api: Api, cid: string): Promise<Buffer> {
  const response = await fetch(`${api.url}/v1/storage/get/${cid}`, {
    headers: { 'x-api-key': api.key ?? '' },
  });
  return Buffer.from(await response.arrayBuffer());
}
