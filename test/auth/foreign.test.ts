import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { exportJWK, SignJWT } from 'jose';
import { DEFAULT_NAMESPACE, type Namespace } from '../../src/contract/ids.js';
import { newKey } from '../../src/core/auth/keys.js';
import { aNamespace } from '../helpers/attempt.js';
import { tempDir } from '../helpers/temp-dir.js';
import { by, openAuth } from './parts.js';

const directory = tempDir();
const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** Opens an authentication on the file's shared store that trusts this issuer. */
async function trusting(t: { teardown(fn: () => unknown): void }, issuer: string) {
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'RS256', use: 'sig' };
  const server = createServer((_, response) => response.end(JSON.stringify({ keys: [jwk] })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const foreign = { jwksUrl: `http://127.0.0.1:${port}/`, issuer };
  const parts = await openAuth(directory, { foreign });
  t.teardown(() => parts.close());
  const token = (namespace: Namespace, seconds = 60) =>
    new SignJWT({ sub: 'user', namespace, iss: issuer, exp: Math.floor(Date.now() / 1000) + seconds })
      .setProtectedHeader({ alg: 'RS256', kid: 'k' })
      .sign(pair.privateKey);
  return { ...parts, token };
}

test('tokens of a foreign issuer are accepted only in namespaces that this issuer was the first to use', async (t) => {
  const { auth, keys, store, token } = await trusting(t, 'https://one.example');
  const own = aNamespace();
  t.like(await auth.authenticate(await token(own)), { namespace: own, subject: 'user', isAdmin: false });
  t.like(await auth.authenticate(await token(own)), { namespace: own }, 'a second use is accepted');

  const admin = newKey(DEFAULT_NAMESPACE);
  await keys.ensureAdmin(admin);
  const used = aNamespace();
  await keys.create(by(await auth.authenticate(admin)), { name: 'in use', namespace: used });
  const ofWallet = aNamespace();
  await store.sessions.claimNamespace(ofWallet, '0xwallet');
  for (const namespace of [DEFAULT_NAMESPACE, used, ofWallet]) {
    await t.throwsAsync(auth.authenticate(await token(namespace)), { code: 'forbidden' }, namespace);
  }

  const other = await trusting(t, 'https://two.example');
  await t.throwsAsync(other.auth.authenticate(await other.token(own)), { code: 'forbidden' });
});

test('a key created with a foreign token expires no later than that token', async (t) => {
  const { auth, keys, token } = await trusting(t, 'https://three.example');
  const principal = await auth.authenticate(await token(aNamespace(), 60));
  const made = await keys.create(by(principal), { name: 'x' });
  t.is(made.expires_at, new Date(principal.expiresAt ?? 0).toISOString());
  const later = { name: 'y', expiresAt: (principal.expiresAt ?? 0) + 1000 };
  await t.throwsAsync(keys.create(by(principal), later), { code: 'forbidden' });
});
