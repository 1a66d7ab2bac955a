import test from 'ava';
import { DEFAULT_NAMESPACE, type Namespace } from '../../src/contract/ids.js';
import { newKey } from '../../src/core/auth/keys.js';
import { aNamespace } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';
import { by, openAuth } from './parts.js';
import { ethWallet, solWallet, type Wallet } from './wallet.js';

const directory = tempDir();
const parts = shared(() => openAuth(directory));

async function login(wallet: Wallet, namespace: Namespace, chain?: 'ETH' | 'SOL') {
  const { sessions } = await parts();
  const { nonce } = await sessions.challenge({ wallet: wallet.address, purpose: 'test', namespace });
  return sessions.verify({ wallet: wallet.address, nonce, signature: wallet.sign(nonce), namespace, chain });
}

for (const [chain, make] of [
  ['ETH', ethWallet],
  ['SOL', solWallet],
] as const) {
  test(`a ${chain} wallet logs in and its access token authenticates as that wallet`, async (t) => {
    const { auth } = await parts();
    const wallet = make();
    const namespace = aNamespace();
    const session = await login(wallet, namespace, chain);
    t.like(session, { token_type: 'Bearer', expires_in: 900, subject: wallet.address, namespace });
    const principal = await auth.authenticate(session.access_token);
    t.like(principal, { wallet: wallet.address, namespace, keyId: null, isAdmin: false });
  });
}

test('a nonce is valid for one attempt, one wallet and one namespace', async (t) => {
  const { sessions } = await parts();
  const wallet = ethWallet();
  const namespace = aNamespace();
  const ask = async () =>
    (await sessions.challenge({ wallet: wallet.address, purpose: '', namespace })).nonce;
  const answer = (
    nonce: string,
    given: { wallet?: string; namespace?: Namespace; signature?: string } = {},
  ) => sessions.verify({ wallet: wallet.address, nonce, signature: wallet.sign(nonce), namespace, ...given });

  const used = await ask();
  await answer(used);
  await t.throwsAsync(answer(used), { code: 'unauthorized' }, 'used');

  const failed = await ask();
  await t.throwsAsync(answer(failed, { signature: wallet.sign('x') }), { code: 'unauthorized' });
  await t.throwsAsync(answer(failed), { code: 'unauthorized' }, 'second attempt');

  await t.throwsAsync(answer(await ask(), { wallet: ethWallet().address }), { code: 'unauthorized' });
  await t.throwsAsync(answer(await ask(), { namespace: aNamespace() }), { code: 'unauthorized' });
  await t.throwsAsync(answer('never-issued'), { code: 'unauthorized' });
});

test('an expired nonce is rejected', async (t) => {
  const { sessions, store } = await parts();
  const wallet = ethWallet();
  const namespace = aNamespace();
  const nonce = 'old-nonce';
  await store.sessions.addNonce({
    wallet: wallet.address,
    namespace,
    nonce,
    purpose: '',
    expiresAt: Date.now() - 1,
  });
  const late = sessions.verify({ wallet: wallet.address, nonce, signature: wallet.sign(nonce), namespace });
  await t.throwsAsync(late, { code: 'unauthorized' });
});

test('a namespace belongs to the wallet that first claims it', async (t) => {
  const namespace = aNamespace();
  const first = ethWallet();
  await login(first, namespace);
  await t.throwsAsync(login(ethWallet(), namespace), { code: 'forbidden' });
  await t.notThrowsAsync(login(first, namespace));
});

test('a wallet cannot claim the namespace default or a namespace that has keys', async (t) => {
  const { keys, auth } = await parts();
  await t.throwsAsync(login(ethWallet(), DEFAULT_NAMESPACE), { code: 'forbidden' });
  const admin = newKey(DEFAULT_NAMESPACE);
  await keys.ensureAdmin(admin);
  const namespace = aNamespace();
  await keys.create(by(await auth.authenticate(admin)), { name: 'in use', namespace });
  await t.throwsAsync(login(ethWallet(), namespace), { code: 'forbidden', message: /has another owner/ });
});

test('a refresh token works once, and using it again revokes all tokens of the login', async (t) => {
  const { sessions, auth } = await parts();
  const first = await login(ethWallet(), aNamespace());
  const second = await sessions.refresh(first.refresh_token);
  t.not(second.refresh_token, first.refresh_token);
  t.is(second.subject, first.subject);
  await t.notThrowsAsync(auth.authenticate(second.access_token));

  await t.throwsAsync(sessions.refresh(first.refresh_token), { code: 'unauthorized' });
  await t.throwsAsync(sessions.refresh(second.refresh_token), { code: 'unauthorized' });
  await t.throwsAsync(auth.authenticate(second.access_token), { code: 'unauthorized' });
  await t.throwsAsync(auth.authenticate(first.access_token), { code: 'unauthorized' });
});

test('at most one of several concurrent uses of a refresh token succeeds', async (t) => {
  const { sessions } = await parts();
  const { refresh_token: token } = await login(ethWallet(), aNamespace());
  const uses = await Promise.allSettled([1, 2, 3].map(() => sessions.refresh(token)));
  t.true(uses.filter(({ status }) => status === 'fulfilled').length <= 1);
});

test('logout revokes the access token and the refresh token', async (t) => {
  const { auth, sessions } = await parts();
  const session = await login(ethWallet(), aNamespace());
  const principal = await auth.authenticate(session.access_token);
  await sessions.logout(principal.session ?? '');
  await t.throwsAsync(auth.authenticate(session.access_token), { code: 'unauthorized' });
  await t.throwsAsync(sessions.refresh(session.refresh_token), { code: 'unauthorized' });
  t.false(await auth.isValid(principal));
});

test('logoutAll ends every login of a wallet in one namespace and none in another namespace', async (t) => {
  const { auth, sessions } = await parts();
  const [wallet, namespace, elsewhere] = [ethWallet(), aNamespace(), aNamespace()];
  const [one, two, far] = [
    await login(wallet, namespace),
    await login(wallet, namespace),
    await login(wallet, elsewhere),
  ];
  await sessions.logoutAll(wallet.address, namespace);
  for (const ended of [one, two]) {
    await t.throwsAsync(auth.authenticate(ended.access_token), { code: 'unauthorized' });
    await t.throwsAsync(sessions.refresh(ended.refresh_token), { code: 'unauthorized' });
  }
  t.like(await auth.authenticate(far.access_token), { namespace: elsewhere });
});

test('a refresh token is rejected in a namespace other than its own', async (t) => {
  const { sessions } = await parts();
  const [wallet, namespace] = [ethWallet(), aNamespace()];
  const first = await login(wallet, namespace);
  const next = await sessions.refresh(first.refresh_token, namespace);
  await t.throwsAsync(sessions.refresh(next.refresh_token, aNamespace()), { code: 'forbidden' });
  const last = await sessions.refresh(next.refresh_token, namespace);
  t.is(last.subject, wallet.address, 'the refused attempt has not used it up');
  await t.throwsAsync(sessions.refresh(next.refresh_token, aNamespace()), { code: 'unauthorized' });
  await t.throwsAsync(sessions.refresh(last.refresh_token, namespace), { code: 'unauthorized' });
});

test('a token for an API key has its key id, no wallet and no admin rights, and is revoked with the key', async (t) => {
  const { keys, auth } = await parts();
  const admin = newKey(DEFAULT_NAMESPACE);
  await keys.ensureAdmin(admin);
  const boss = await auth.authenticate(admin);
  const namespace = aNamespace();
  const made = await keys.create(by(boss), { name: 'for a token', namespace });
  const token = await auth.tokenFor(await auth.authenticate(made.api_key));
  const principal = await auth.authenticate(token.access_token);
  t.like(principal, { kind: 'jwt', namespace, wallet: '', keyId: made.id, isAdmin: false });
  t.false((await auth.authenticate((await auth.tokenFor(boss)).access_token)).isAdmin);
  await t.throwsAsync(auth.tokenFor(principal), { code: 'forbidden' });
  await keys.revoke(by(boss), made.id);
  await t.throwsAsync(auth.authenticate(token.access_token), { code: 'unauthorized' });
});

test('a key created by a wallet records its address and is revoked at logout with the keys derived from it', async (t) => {
  const { keys, auth, sessions } = await parts();
  const wallet = ethWallet();
  const session = await login(wallet, aNamespace());
  const principal = await auth.authenticate(session.access_token);
  const first = await keys.create(by(principal), { name: 'of a wallet' });
  t.is(first.created_by, wallet.address);
  const second = await keys.create(by(await auth.authenticate(first.api_key)), { name: 'of that key' });
  const refreshed = await sessions.refresh(session.refresh_token);
  await t.notThrowsAsync(auth.authenticate(second.api_key), 'refreshing continues the same login');
  await sessions.logoutToken(refreshed.refresh_token);
  for (const { api_key: key } of [first, second]) {
    await t.throwsAsync(auth.authenticate(key), { code: 'unauthorized' });
  }
  await t.throwsAsync(keys.create(by(principal), { name: 'late' }), { code: 'unauthorized' });
});

test('with sign-up closed, a wallet can log in to its own namespace but cannot claim a new one', async (t) => {
  const old = ethWallet();
  const namespace = aNamespace();
  await login(old, namespace);
  const closed = await openAuth(directory, { signup: 'closed' });
  t.teardown(() => closed.close());
  const tryLogin = async (wallet: Wallet, where: Namespace) => {
    const { nonce } = await closed.sessions.challenge({
      wallet: wallet.address,
      purpose: '',
      namespace: where,
    });
    const signature = wallet.sign(nonce);
    return closed.sessions.verify({ wallet: wallet.address, nonce, signature, namespace: where });
  };
  t.is((await tryLogin(old, namespace)).subject, old.address);
  await t.throwsAsync(tryLogin(old, aNamespace()), { code: 'forbidden', message: /WALLET_SIGNUP/ });
  const unclaimed = aNamespace();
  await t.throwsAsync(tryLogin(ethWallet(), unclaimed), { code: 'forbidden' });
  t.is(await closed.store.sessions.namespaceOwner(unclaimed), null);
});
