import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { unreachable } from './failure.js';

export interface PatientReply {
  status: number;
  body: Buffer;
  headers: IncomingHttpHeaders;
  header(name: string): string | undefined;
}

export interface PatientRequest {
  url: URL;
  method: string;
  /** In place of the URL's own path and query, as it stands: a URL normalises them. */
  path?: string;
  headers: Readonly<OutgoingHttpHeaders>;
  body: Uint8Array;
}

/**
 * Waits for the reply as long as it takes: fetch gives up after 300 s, a sync call may take 900.
 */
export function patientRequest({ url, method, path, headers, body }: PatientRequest): Promise<PatientReply> {
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

/** A GET without a body has no length either. */
function lengthOf(method: string, body: Uint8Array): Record<string, number> {
  return body.byteLength === 0 && method !== 'POST' && method !== 'PUT' && method !== 'PATCH'
    ? {}
    : { 'Content-Length': body.byteLength };
}
