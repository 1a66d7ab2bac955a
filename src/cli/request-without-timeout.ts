import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { unreachable } from './failure.js';

export interface RawReply {
  status: number;
  body: Buffer;
  headers: IncomingHttpHeaders;
  header(name: string): string | undefined;
}

export interface RawRequest {
  url: URL;
  method: string;
  /**
   * Path and query that are sent verbatim instead of those of the URL, which URL parsing would
   * normalize.
   */
  path?: string;
  headers: Readonly<OutgoingHttpHeaders>;
  body: Uint8Array;
}

/**
 * Sends a request without a response timeout: fetch times out after 300 s, but a sync call may take
 * 900 s.
 */
export function requestWithoutTimeout({ url, method, path, headers, body }: RawRequest): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const fail = (cause: unknown) => reject(unreachable(url.origin, cause));
    const sent = start(
      url,
      { method, headers: { ...headers, ...lengthOf(method, body) }, ...(path === undefined ? {} : { path }) },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', fail);
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks),
            headers: response.headers,
            header: (name) => response.headers[name]?.toString(),
          });
        });
      },
    );
    sent.on('error', fail);
    sent.end(body);
  });
}

/**
 * Requests without a body and without a method that expects one have no Content-Length (RFC 9110
 * §8.6).
 */
function lengthOf(method: string, body: Uint8Array): Record<string, number> {
  return body.byteLength === 0 && method !== 'POST' && method !== 'PUT' && method !== 'PATCH'
    ? {}
    : { 'Content-Length': body.byteLength };
}
