import { createHmac, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { exportJWK, SignJWT } from 'jose';
import { openTokens } from '../../src/core/auth/jwt.js';
import { aNamespace } from '../helpers/attempt.js';
import { ed25519Pem } from './parts.js';

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const soon = () => Math.floor(Date.now() / 1000) + 60;

const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const pemOf = (pair: ReturnType<typeof rsa>) =>
  pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

for (const [alg, pem] of [
  ['EdDSA', ed25519Pem()],
  ['RS256', pemOf(rsa())],
] as const) {
  test(`a token signed with ${alg} keeps its claims, and the JWKS contains the public key`, async (t) => {
    const tokens = await openTokens({ privateKey: pem });
    const namespace = aNamespace();
    const claims = await tokens.verify(await tokens.sign({ subject: '0xabc', namespace, session: 's1' }));
    t.like(claims, { subject: '0xabc', namespace, session: 's1', keyId: null });
    const [jwk] = tokens.jwks().keys;
    t.is(jwk?.alg, alg);
    t.is(jwk?.d, undefined);
  });
}

test('tokens with alg none, HMAC with the public key, another algorithm or a header key are rejected', async (t) => {
  const tokens = await openTokens({ privateKey: pemOf(rsa()) });
  const [jwk] = tokens.jwks().keys;
  const kid = jwk?.kid ?? '';
  const good = await tokens.sign({ subject: '0xabc', namespace: aNamespace() });
  const payload = good.split('.')[1] ?? '';

  const hs = `${encode({ alg: 'HS256', kid })}.${payload}`;
  const mac = createHmac('sha256', JSON.stringify(jwk)).update(hs).digest('base64url');
  const other = rsa();
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const sign = (header: { alg: string; jwk?: Awaited<ReturnType<typeof exportJWK>> }) =>
    new SignJWT(claims).setProtectedHeader({ ...header, kid }).sign(other.privateKey);
  const forged = [
    `${encode({ alg: 'none' })}.${payload}.`,
    `${encode({ alg: 'None', kid })}.${payload}.`,
    `${hs}.${mac}`,
    await sign({ alg: 'RS256', jwk: await exportJWK(other.publicKey) }),
    await sign({ alg: 'PS256' }),
    `${good.slice(0, -4)}AAAA`,
    'a.b.c',
    '...',
    'x',
  ];
  for (const jwt of forged) await t.throwsAsync(tokens.verify(jwt), { code: 'unauthorized' }, jwt);
});

test('a token with a wrong issuer, audience or time, or without a required claim, is rejected', async (t) => {
  const pair = rsa();
  const tokens = await openTokens({ privateKey: pemOf(pair) });
  const good = {
    sub: 's',
    namespace: aNamespace(),
    iss: 'orama-functions',
    aud: 'orama-functions',
    exp: soon(),
  };
  const sign = (claims: Record<string, unknown>) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).sign(pair.privateKey);
  await t.notThrowsAsync(tokens.verify(await sign(good)));
  const { exp: _exp, ...noEnd } = good;
  const { sub: _sub, ...noSubject } = good;
  const { namespace: _namespace, ...noNamespace } = good;
  const wrong = [
    { ...good, iss: 'somebody' },
    { ...good, aud: 'something' },
    { ...good, exp: soon() - 120 },
    { ...good, namespace: 'a/b' },
    { ...good, nbf: soon() },
    noEnd,
    noSubject,
    noNamespace,
  ];
  for (const claims of wrong) {
    await t.throwsAsync(tokens.verify(await sign(claims)), { code: 'unauthorized' }, JSON.stringify(claims));
  }
});

test('tokens of the configured foreign issuer and of this engine are accepted, and others are rejected', async (t) => {
  const pair = rsa();
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'foreign-1', alg: 'RS256', use: 'sig' };
  const server = createServer((_, response) => response.end(JSON.stringify({ keys: [jwk] })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const tokens = await openTokens({
    privateKey: ed25519Pem(),
    foreign: { jwksUrl: `http://127.0.0.1:${port}/jwks.json`, issuer: 'https://id.example', audience: 'fn' },
  });
  const namespace = aNamespace();
  const sign = (claims: Record<string, unknown>, kid = 'foreign-1') =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).sign(pair.privateKey);
  const good = { sub: 'user-1', namespace, iss: 'https://id.example', aud: 'fn', exp: soon() };

  t.like(await tokens.verify(await sign(good)), { issuer: 'foreign', subject: 'user-1', namespace });
  t.like(await tokens.verify(await tokens.sign({ subject: 'w', namespace })), { issuer: 'own' });
  // Claims that only this engine issues are ignored in foreign tokens.
  t.like(await tokens.verify(await sign({ ...good, key: 'k1', sid: 's1' })), { keyId: null, session: null });
  const refused = [
    await sign({ ...good, iss: 'https://evil.example' }),
    await sign({ ...good, aud: 'other' }),
    await sign(good, 'unknown-kid'),
  ];
  for (const jwt of refused) await t.throwsAsync(tokens.verify(jwt), { code: 'unauthorized' });
});

test('verifying a foreign token fails with unavailable when the JWKS URL is unreachable', async (t) => {
  const tokens = await openTokens({
    privateKey: ed25519Pem(),
    foreign: { jwksUrl: 'http://127.0.0.1:1/jwks.json' },
  });
  const jwt = await new SignJWT({ sub: 's', namespace: 'x', exp: soon() })
    .setProtectedHeader({ alg: 'RS256', kid: 'k' })
    .sign(rsa().privateKey);
  await t.throwsAsync(tokens.verify(jwt), { code: 'unavailable' });
});

test('a signing key other than Ed25519 or RSA of sufficient size is rejected at start', async (t) => {
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pems = [small, ec].map((pair) => pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  for (const privateKey of [...pems, 'no key']) {
    await t.throwsAsync(openTokens({ privateKey }), { code: 'bad_config' });
  }
});
