import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { findTool } from '../../src/cli/build/run-tool.js';
import { runCli, successfulCli } from '../helpers/cli.js';
import { httpServer } from '../helpers/http-server.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { startEngine } from '../helpers/running-engine.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

// The scenario of the README with the CLI: an event arrives and a push message is sent.

const home = tempDir();
const { privateKey, publicKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

interface Push {
  headers: IncomingHttpHeaders;
  body: { to: string; priority: string; data: Record<string, string> };
}

/** Starts an HTTP server as the push service, which records its requests. */
async function startPushService() {
  const pushes: Push[] = [];
  const server = await httpServer(async (request, response) => {
    pushes.push({ headers: request.headers, body: JSON.parse(await text(request)) });
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"success":1}');
  });
  return { pushes, url: `${server.url}/send`, close: server.close };
}

/** Copies the example with the URL of this push service in its function.yaml. */
function exampleFor(pushUrl: string): string {
  const directory = join(home, 'examples', 'call-push-handler');
  mkdirSync(join(home, 'examples'), { recursive: true });
  cpSync('examples/call-push-handler', directory, { recursive: true });
  cpSync('sdk', join(home, 'sdk'), { recursive: true });
  const file = join(directory, 'function.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/PUSH_URL: .*/, `PUSH_URL: ${pushUrl}`));
  return directory;
}

const story = findTool('go') === undefined ? test.skip : test;

story('a call event sends a push message to each device of the callee and logs the number', async (t) => {
  const service = await startPushService();
  t.teardown(service.close);
  const engine = await startEngine({ env: { EGRESS_ALLOW: '127.0.0.1' } });
  t.teardown(engine.close);
  const env = { ORAMA_URL: engine.url, ORAMA_API_KEY: engine.adminKey };
  const orama = successfulCli({ home, env });
  const logs = async () => JSON.parse(await orama('function', 'logs', 'call-push-handler', '--json')).logs;

  await engine.api.deploy('database', await probeWasm());
  const seeded = await engine.api.invoke(
    'database',
    commands(
      { op: 'execute', a: 'CREATE TABLE devices (user_id TEXT, push_token TEXT, device_type TEXT)' },
      { op: 'execute', a: 'INSERT INTO devices VALUES (?, ?, ?)', b: '["ada","token-a","android"]' },
      { op: 'execute', a: 'INSERT INTO devices VALUES (?, ?, ?)', b: '["ada","token-i","ios"]' },
    ),
  );
  t.is(seeded.status, 200, seeded.text);

  writeFileSync(join(home, 'apns.pem'), privateKey);
  await orama('function', 'secrets', 'set', 'FCM_SERVER_KEY', 'fcm-server-key');
  await orama('function', 'secrets', 'set', 'APNS_KEY_PEM', '--from-file', 'apns.pem');
  const deployed = await orama('function', 'deploy', exampleFor(service.url));
  t.regex(deployed, /^Deployed call-push-handler version 1/);

  const call = { calleeId: 'ada', callerName: 'Grace', callType: 'video' };
  await orama('function', 'publish', 'calls:invite', '--data', JSON.stringify(call));
  await until('both push messages', async () => service.pushes.length === 2);
  const [android, ios] = service.pushes;
  t.is(android?.headers.authorization, 'key=fcm-server-key');
  t.deepEqual(android?.body, { to: 'token-a', priority: 'high', data: call });
  t.is(ios?.headers['apns-push-type'], 'voip');
  t.deepEqual(ios?.body, { to: 'token-i', priority: 'high', data: call });
  t.true(isSignedByApnsKey(ios?.headers.authorization ?? ''));

  const [record] = await until('the log record', async () => {
    const found = await logs();
    return found.length === 1 && found;
  });
  t.like(record, { trigger: 'pubsub', attempt: 1, status: 'success', error: null, version: 1 });
  t.like(record.messages, [{ level: 'info', message: 'video call of Grace pushed to 2 device(s) of ada' }]);

  // A callee without a device: no push and no failure.
  await orama('function', 'publish', 'calls:invite', '--data', '{"calleeId":"bob","callerName":"Grace"}');
  const [second] = await until('the second log record', async () => {
    const found = await logs();
    return found.length === 2 && found;
  });
  t.like(second, {
    status: 'success',
    messages: [{ level: 'info', message: 'no device registered for bob' }],
  });
  t.is(service.pushes.length, 2);

  // Called directly with an event envelope, it responds.
  const event = JSON.stringify({ topic: 'calls:invite', data: call });
  const output = await orama('function', 'invoke', 'call-push-handler', '--data', event);
  t.deepEqual(JSON.parse(output), { status: 'sent', callee: 'ada' });

  // A call that can never succeed is not retried.
  const refused = await runCli(['function', 'invoke', 'call-push-handler', '--data', '{"data":{}}'], {
    home,
    env,
  });
  t.is(refused.code, 1);
  const [bad] = await logs();
  t.like(bad, {
    attempt: 1,
    status: 'error',
    messages: [{ level: 'error', message: 'calleeId is missing' }],
  });
});

function isSignedByApnsKey(authorization: string): boolean {
  const [header, claims, signature] = authorization.replace(/^bearer /, '').split('.');
  if (header === undefined || claims === undefined || signature === undefined) return false;
  return verify(
    'sha256',
    Buffer.from(`${header}.${claims}`),
    { key: createPublicKey(publicKey), dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  );
}
