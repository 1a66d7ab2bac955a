import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Paths of a server certificate and of the generated authority that has signed it. */
export interface Certificate {
  authority: string;
  certificate: string;
  key: string;
}

/** Creates a certificate for 127.0.0.1, signed by an authority that is not trusted by default. */
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
