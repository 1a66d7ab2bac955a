import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { createClient, OramaError } from '../../clients/typescript/src/index.js';
import { makeCertificate } from '../helpers/certificate.js';
import { tempDir } from '../helpers/temp-dir.js';

// The Go client has a test of its own, in sdk/go/oramaclient/certificate_test.go.
const home = tempDir();
const made = makeCertificate(home);
const run = promisify(execFile);
const hasPython =
  spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']).status === 0;
const pythonTest = hasPython ? test : test.skip;

test('a wrong certificate is an error at once in the TypeScript client', async (t) => {
  const { url, connections } = await withWrongCertificate(t);
  const orama = createClient({ url, webSocket: (address, protocols) => new WebSocket(address, protocols) });
  const failed = await t.throwsAsync(orama.invocations.get('x'), { instanceOf: OramaError });
  t.like(failed, { code: 'unreachable', status: 0 });
  t.is(connections(), 1);
  const events = orama.subscribe('t')[Symbol.asyncIterator]();
  const refused = await t.throwsAsync(events.next(), { instanceOf: OramaError });
  t.like(refused, { code: 'unreachable', status: 0 });
  t.regex(refused?.message ?? '', /certificate/);
  t.is(connections(), 2);
});

test('a wrong certificate is an error in the TypeScript client, also if the WebSocket gives no reason', async (t) => {
  const { url } = await withWrongCertificate(t);
  const webSocket = (address: string, protocols: string[]) => {
    const socket = new WebSocket(address, protocols);
    // As in browsers and in Node.
    return Object.defineProperty(socket, 'onerror', {
      set: (report: (event: object) => void) => socket.on('error', () => report({})),
    });
  };
  const events = createClient({ url, webSocket }).subscribe('t')[Symbol.asyncIterator]();
  const refused = await t.throwsAsync(events.next(), { instanceOf: OramaError });
  t.regex(refused?.message ?? '', /at https:.*certificate/);
});

const PYTHON = `
import sys
from orama_functions_client import Client, OramaError
client = Client(sys.argv[1])
for attempt in (lambda: client.invocation("x"), lambda: next(client.subscribe("t"))):
    try:
        attempt()
    except OramaError as error:
        print(error.code, error.status, "certificate" in error.message)
`;

pythonTest('a wrong certificate is an error at once in the Python client (needs Python 3.9)', async (t) => {
  const { url, connections } = await withWrongCertificate(t);
  const { stdout } = await run('python3', ['-c', PYTHON, url], {
    env: { PATH: process.env.PATH, PYTHONPATH: resolve('clients/python/src'), PYTHONDONTWRITEBYTECODE: '1' },
    timeout: 20_000,
  });
  t.is(stdout, 'unreachable 0 True\n'.repeat(2));
  t.is(connections(), 2);
});

/** Starts a server whose certificate nobody trusts. */
async function withWrongCertificate(t: ExecutionContext) {
  const { certificate, key } = await made;
  let connections = 0;
  const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.teardown(() => new Promise<void>((closed) => server.close(() => closed())));
  const { port } = server.address() as AddressInfo;
  return { url: `https://127.0.0.1:${port}`, connections: () => connections };
}
