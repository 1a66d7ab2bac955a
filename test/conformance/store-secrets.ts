import test from 'ava';
import { aNamespace } from '../helpers/attempt.js';
import { anEntry, ENOUGH } from '../helpers/audited.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './open-store.js';

const bytes = (...values: number[]) => Uint8Array.from(values);

export function testSecrets(driver: string, open: OpenStore): void {
  const get = shared(open);

  test(`${driver}: a secret is read back with its bytes, and an update keeps its creation time`, async (t) => {
    const { secrets } = await get();
    const namespace = aNamespace();
    const sealed = Uint8Array.from({ length: 256 }, (_, at) => at);
    await secrets.put(namespace, { name: 'KEY', sealed, keyId: 'k1' }, anEntry(), ENOUGH);
    const read = await secrets.get(namespace, 'KEY');
    t.deepEqual([...(read?.sealed ?? [])], [...sealed]);
    t.is(read?.keyId, 'k1');
    const [before] = await secrets.list(namespace);
    await secrets.put(namespace, { name: 'KEY', sealed: bytes(1), keyId: 'k2' }, anEntry(), ENOUGH);
    const [after] = await secrets.list(namespace);
    t.is(after?.created_at, before?.created_at);
    t.deepEqual(Object.keys(after ?? {}).sort(), ['created_at', 'name', 'updated_at']);
    t.is(await secrets.get(aNamespace(), 'KEY'), null);
    t.true(await secrets.remove(namespace, 'KEY', anEntry()));
    t.false(await secrets.remove(namespace, 'KEY', anEntry()));
  });

  test(`${driver}: reseal replaces a secret only if it has not changed since it was read`, async (t) => {
    const { secrets } = await get();
    const namespace = aNamespace();
    const old = { name: 'A', sealed: bytes(1, 0, 255), keyId: 'old' };
    await secrets.put(namespace, old, anEntry(), ENOUGH);
    await secrets.put(namespace, { name: 'B', sealed: bytes(2), keyId: 'new' }, anEntry(), ENOUGH);
    const found = (await secrets.notSealedWith('new', 1000, null)).filter(
      (one) => one.namespace === namespace,
    );
    t.deepEqual(
      found.map(({ name }) => name),
      ['A'],
    );
    const after = { namespace, name: 'A' };
    const rest = await secrets.notSealedWith('new', 1000, after);
    t.false(rest.some((one) => one.namespace === namespace));
    t.true(await secrets.reseal(namespace, old, { name: 'A', sealed: bytes(9), keyId: 'new' }));
    t.false(await secrets.reseal(namespace, old, { name: 'A', sealed: bytes(8), keyId: 'new' }));
    t.deepEqual([...((await secrets.get(namespace, 'A'))?.sealed ?? [])], [9]);
  });
}
