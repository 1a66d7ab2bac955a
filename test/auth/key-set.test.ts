import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { exportJWK, SignJWT } from 'jose';
import { openTokens } from '../../src/core/auth/jwt.js';
import { aNamespace } from '../helpers/attempt.js';
import { ed25519Pem } from './parts.js';

const first = generateKeyPairSync('ed25519');
const second = generateKeyPairSync('ed25519');

/** Opens tokens that trust an issuer whose key set is served by `answer`. */
async function trusting(t: { teardown(fn: () => unknown): void }, answer: RequestListener) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return openTokens({
    privateKey: ed25519Pem(),
    foreign: { jwksUrl: `http://127.0.0.1:${port}/jwks.json` },
  });
}

const setOf = async (...keys: { publicKey: KeyObject; kid?: string }[]) =>
  JSON.stringify({
    keys: await Promise.all(
      keys.map(async ({ publicKey, kid }) => ({
        ...(await exportJWK(publicKey)),
        ...(kid === undefined ? {} : { kid }),
      })),
    ),
  });

const soon = () => Math.floor(Date.now() / 1000) + 60;

const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength });

const sign = ({ privateKey }: { privateKey: KeyObject }, { kid, exp }: { kid?: string; exp?: number } = {}) =>
  new SignJWT({ sub: 'user', namespace: aNamespace(), exp: exp ?? soon() })
    .setProtectedHeader({ alg: 'EdDSA', ...(kid === undefined ? {} : { kid }) })
    .sign(privateKey);

/** Sends 2 MB and then nothing: only a limit ends it before the time limit. */
const giant: RequestListener = (_, response) => {
  response.write(`{"keys":["${'a'.repeat(2 * 1024 * 1024)}`);
};

const answers: Record<string, RequestListener> = {
  'an error status': (_, response) => response.writeHead(500).end('{"keys":[]}'),
  'a redirect': (_, response) => response.writeHead(302, { location: '/other' }).end(),
  'a page': (_, response) => response.end('<html>maintenance</html>'),
  'JSON that is no key set': (_, response) => response.end('{"keys":7}'),
  'more than a megabyte': giant,
};

for (const [what, answer] of Object.entries(answers)) {
  test(`while the JWKS URL answers with ${what}, tokens are not called wrong`, async (t) => {
    const tokens = await trusting(t, answer);
    const error = await t.throwsAsync(tokens.verify(await sign(first, { kid: 'k' })), {
      code: 'unavailable',
    });
    // jose's own time limit has another cause.
    t.regex(String(error instanceof Error && error.cause), /answered with no key set/);
  });
}

for (const kid of [undefined, 'same']) {
  test(`of several keys ${kid === undefined ? 'without an id' : 'with one id'}, the one that signed the token is found`, async (t) => {
    const of = ({ publicKey }: { publicKey: KeyObject }) => ({ publicKey, ...(kid && { kid }) });
    const set = await setOf(of(first), of(second));
    const tokens = await trusting(t, (_, response) => response.end(set));
    const header = kid === undefined ? {} : { kid };
    for (const pair of [first, second])
      t.like(await tokens.verify(await sign(pair, header)), { subject: 'user' });
    const other = generateKeyPairSync('ed25519');
    await t.throwsAsync(tokens.verify(await sign(other, header)), { code: 'unauthorized' });
    await t.throwsAsync(tokens.verify(await sign(second, { ...header, exp: 1000 })), {
      code: 'unauthorized',
      message: /expired/,
    });
  });
}

test('a token that expires after the year 9999 has an expiry that can be written', async (t) => {
  const set = await setOf({ ...first, kid: 'k' });
  const tokens = await trusting(t, (_, response) => response.end(set));
  for (const exp of [9e12, 1e300]) {
    const { expiresAt } = await tokens.verify(await sign(first, { kid: 'k', exp }));
    t.is(new Date(expiresAt).toISOString(), '9999-12-31T23:59:59.999Z');
  }
});

test('a key that is too short does not hide the one that signed the token', async (t) => {
  const good = rsa(2048);
  const set = await setOf(rsa(1024), good);
  const tokens = await trusting(t, (_, response) => response.end(set));
  const jwt = await new SignJWT({ sub: 'user', namespace: aNamespace(), exp: soon() })
    .setProtectedHeader({ alg: 'RS256' })
    .sign(good.privateKey);
  t.like(await tokens.verify(jwt), { subject: 'user' });
});
