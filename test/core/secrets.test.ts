import { randomBytes } from 'node:crypto';
import test from 'ava';
import { ALL_RIGHTS } from '../../src/contract/scopes.js';
import type { Actor } from '../../src/core/auth/principal.js';
import { createSecretBox } from '../../src/core/secret-box.js';
import { openSecrets } from '../../src/core/secrets.js';
import type { Store } from '../../src/ports/store.js';
import { aNamespace, aRequestId } from '../helpers/attempt.js';
import { unboundedQuotas } from '../helpers/quotas.js';
import { storeAndBus } from './store-and-bus.js';

const box = createSecretBox(randomBytes(32));
const by: Actor = {
  requestId: aRequestId(),
  principal: {
    kind: 'api_key',
    namespace: aNamespace(),
    wallet: '',
    subject: 'key:test',
    keyName: 'test',
    isAdmin: true,
    rights: ALL_RIGHTS,
    keyId: 'test',
    session: null,
    expiresAt: null,
    keyExpiresAt: null,
  },
};
/** The secrets of one process, with a store that counts reads and can be made to fail. */
async function aProcess() {
  const { store, bus } = await storeAndBus();
  const seen = { reads: 0, away: false };
  const watched: Store = {
    ...store,
    secrets: {
      ...store.secrets,
      async get(namespace, name) {
        seen.reads += 1;
        if (seen.away) throw new Error('the store is unreachable');
        return store.secrets.get(namespace, name);
      },
    },
  };
  const secrets = await openSecrets({ store: watched, bus, box, quotas: unboundedQuotas() });
  return { secrets, seen };
}

test('signing secrets are read from the store once and then cached', async (t) => {
  const { secrets, seen } = await aProcess();
  const namespace = aNamespace();
  await secrets.set(by, namespace, 'OLD', 'old');
  for (let request = 0; request < 10; request += 1) {
    t.deepEqual(await secrets.signing(namespace, ['NEW', 'OLD']), ['old']);
  }
  t.is(seen.reads, 2, 'one for each name');
});

test('setting, changing or deleting a secret takes effect in every process immediately', async (t) => {
  const [here, there] = [await aProcess(), await aProcess()];
  const namespace = aNamespace();
  const everywhere = () =>
    Promise.all([here, there].map(({ secrets }) => secrets.signing(namespace, ['NEW', 'OLD'])));
  t.deepEqual(await everywhere(), [[], []]);
  await here.secrets.set(by, namespace, 'OLD', 'first');
  t.deepEqual(await everywhere(), [['first'], ['first']]);
  await there.secrets.set(by, namespace, 'OLD', 'second');
  t.deepEqual(await everywhere(), [['second'], ['second']]);
  await here.secrets.set(by, namespace, 'NEW', 'third');
  t.deepEqual(await everywhere(), [
    ['third', 'second'],
    ['third', 'second'],
  ]);
  await there.secrets.remove(by, namespace, 'OLD');
  t.deepEqual(await everywhere(), [['third'], ['third']]);
  await here.secrets.remove(by, namespace, 'NEW');
  t.deepEqual(await everywhere(), [[], []]);
});

test('cached signing secrets are available while the store is unreachable, and guest reads fail', async (t) => {
  const { secrets, seen } = await aProcess();
  const namespace = aNamespace();
  await secrets.set(by, namespace, 'SIGNING', 'known');
  await secrets.signing(namespace, ['SIGNING']);
  seen.away = true;
  t.deepEqual(await secrets.signing(namespace, ['SIGNING']), ['known']);
  await t.throwsAsync(secrets.read(namespace, 'SIGNING'), { message: 'the store is unreachable' });
});

test('signing secrets of 64 KB are not cached', async (t) => {
  const { secrets, seen } = await aProcess();
  const namespace = aNamespace();
  await secrets.set(by, namespace, 'LONG', 'x'.repeat(64 << 10));
  await secrets.signing(namespace, ['LONG']);
  t.is((await secrets.signing(namespace, ['LONG']))[0]?.length, 64 << 10);
  t.is(seen.reads, 2);
});
