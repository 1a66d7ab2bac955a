import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Files of a server's certificate and of the authority, made on the spot, that has signed it. */
export interface Certificate {
  authority: string;
  certificate: string;
  key: string;
}

/** A certificate for 127.0.0.1 by an authority that nobody knows unless told. */
export async function makeCertificate(directory: string): Promise<Certificate> {
  const [authority = '', authorityKey = '', certificate = '', key = ''] = [
    'ca.pem',
    'ca.key',
    'server.pem',
    'server.key',
  ].map((name) => join(directory, name));
  const openssl = (...args: string[]) => promisify(execFile)('openssl', args);
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await openssl('req', '-x509', ...ec, '-keyout', authorityKey, '-out', authority, '-subj', '/CN=A test');
  await openssl(
    ...['req', '-x509', ...ec, '-keyout', key, '-out', certificate, '-subj', '/CN=127.0.0.1'],
    ...['-addext', 'subjectAltName=IP:127.0.0.1', '-CA', authority, '-CAkey', authorityKey],
  );
  return { authority, certificate, key };
}
