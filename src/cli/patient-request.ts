import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { unreachable } from './failure.js';

export interface PatientReply {
  status: number;
  body: Buffer;
  header(name: string): string | undefined;
}

/** A POST that waits for its reply as long as it takes: fetch gives up after 300 s, a sync call may take 900. */
export function patientRequest(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Promise<PatientReply> {
  return new Promise((resolve, reject) => {
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const fail = (cause: unknown) => reject(unreachable(url.origin, cause));
    const sent = start(
      url,
      { method: 'POST', headers: { ...headers, 'Content-Length': body.byteLength } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', fail);
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks),
            header: (name) => response.headers[name]?.toString(),
          });
        });
      },
    );
    sent.on('error', fail);
    sent.end(body);
  });
}
