import test from 'ava';
import { uuidv7 } from '../../src/uuid.js';
import { aNamespace } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './open-store.js';

const aRefreshToken = () => ({
  hash: uuidv7(),
  session: uuidv7(),
  subject: 'w',
  namespace: aNamespace(),
  expiresAt: Date.now() + 60_000,
});

export function testSessions(driver: string, open: OpenStore): void {
  const get = shared(open);

  test(`${driver}: a nonce can be used once, by its own wallet and before it expires`, async (t) => {
    const { sessions } = await get();
    const nonce = {
      wallet: '0xabc',
      namespace: aNamespace(),
      nonce: uuidv7(),
      purpose: 'login',
      expiresAt: Date.now() + 60_000,
    };
    await sessions.addNonce(nonce);
    t.is(await sessions.takeNonce(nonce.nonce, '0xother'), null);
    const taken = await Promise.all([1, 2, 3].map(() => sessions.takeNonce(nonce.nonce, nonce.wallet)));
    t.deepEqual(
      taken.filter((one) => one !== null),
      [nonce],
    );
    const late = { ...nonce, nonce: uuidv7(), expiresAt: Date.now() - 1 };
    await sessions.addNonce(late);
    t.is(await sessions.takeNonce(late.nonce, late.wallet), null);
  });

  test(`${driver}: a console link can be taken once and before it expires, and not as a nonce`, async (t) => {
    const { sessions } = await get();
    const link = { hash: uuidv7(), keyId: 'k1', namespace: aNamespace(), expiresAt: Date.now() + 60_000 };
    await sessions.addLink(link);
    t.is(await sessions.takeNonce(link.hash, '0xabc'), null);
    t.deepEqual(await sessions.takeLink(link.hash), link);
    t.is(await sessions.takeLink(link.hash), null);
    await sessions.addLink({ ...link, expiresAt: Date.now() - 1 });
    t.is(await sessions.takeLink(link.hash), null);
  });

  test(`${driver}: using a refresh token twice revokes its session`, async (t) => {
    const { sessions } = await get();
    const since = Date.now();
    const token = aRefreshToken();
    await sessions.addRefresh(token);
    await sessions.addRefresh({ ...token, hash: uuidv7(), session: 'of another wallet', subject: 'x' });
    t.deepEqual(await sessions.sessionsOf('w', token.namespace), [token.session]);
    t.deepEqual(await sessions.sessionsOf('w', aNamespace()), []);
    t.deepEqual(await sessions.useRefresh(token.hash, aNamespace()), { token, used: false });
    t.deepEqual(await sessions.useRefresh(token.hash, token.namespace), { token, used: false });
    t.false((await sessions.revokedSessions(since)).includes(token.session));
    const next = { ...token, hash: uuidv7() };
    await sessions.addRefresh(next);
    t.deepEqual(await sessions.useRefresh(token.hash), { token, used: true });
    t.true((await sessions.revokedSessions(since)).includes(token.session));
    t.deepEqual(await sessions.useRefresh(next.hash), { token: next, used: true });
    t.is(await sessions.useRefresh('absent'), null);
  });

  test(`${driver}: refresh tokens of a revoked session count as used, and expired ones are null`, async (t) => {
    const { sessions } = await get();
    const token = aRefreshToken();
    await sessions.addRefresh(token);
    await sessions.revokeSession(token.session);
    await sessions.revokeSession(token.session);
    t.true((await sessions.useRefresh(token.hash))?.used);
    const late = { ...token, hash: uuidv7(), session: uuidv7(), expiresAt: Date.now() - 1 };
    await sessions.addRefresh(late);
    t.is(await sessions.useRefresh(late.hash), null);
  });

  test(`${driver}: a namespace belongs to the first wallet that claims it`, async (t) => {
    const { sessions } = await get();
    const namespace = aNamespace();
    t.is(await sessions.namespaceOwner(namespace), null);
    const owners = await Promise.all(['w1', 'w2', 'w3'].map((w) => sessions.claimNamespace(namespace, w)));
    t.is(new Set(owners).size, 1);
    t.is(await sessions.namespaceOwner(namespace), owners[0] ?? '');
    t.is(await sessions.claimNamespace(namespace, 'late'), owners[0] ?? '');
  });
}
