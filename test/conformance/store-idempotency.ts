import test from 'ava';
import type { KeyClaim } from '../../src/ports/store/idempotency.js';
import { uuidv7 } from '../../src/uuid.js';
import { aName, aNamespace, aRequestId } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './open-store.js';

export function testIdempotency(driver: string, open: OpenStore): void {
  const get = shared(open);

  test(`${driver}: concurrent claims of an Idempotency-Key all return the same claim`, async (t) => {
    const [one, two] = [await get(), await open()];
    const namespace = aNamespace();
    const claim = (): KeyClaim => ({
      namespace,
      function: aName('hello'),
      key: "x'4142'",
      bodyHash: uuidv7(),
      requestId: aRequestId(),
      version: 3,
      expiresAt: Date.now() + 60_000,
    });
    const asked = Array.from({ length: 10 }, claim);
    const held = await Promise.all(asked.map((each, at) => (at % 2 ? one : two).idempotency.claimKey(each)));
    const first = asked.find(({ requestId }) => requestId === held[0]?.requestId);
    t.not(first, undefined, 'it is one of the claims');
    for (const each of held) t.deepEqual(each, first);
    await one.idempotency.release(claim());
    t.deepEqual(await one.idempotency.claimKey(claim()), first, 'releasing another claim has no effect');
    if (first !== undefined) await one.idempotency.release(first);
    const next = claim();
    t.deepEqual(await one.idempotency.claimKey(next), next);
    await two.close();
  });

  test(`${driver}: of several callers that renew a claim, one succeeds, and the others cannot release it`, async (t) => {
    const { idempotency } = await get();
    const names = { namespace: aNamespace(), function: aName('hello'), key: 'k', bodyHash: 'h', version: 1 };
    const claim = { ...names, requestId: aRequestId(), expiresAt: Date.now() + 60_000 };
    await idempotency.claimKey(claim);
    const renewals = await Promise.all(
      Array.from({ length: 4 }, () => idempotency.renew(claim, claim.expiresAt)),
    );
    const [renewed, ...others] = renewals.filter((renewal) => renewal !== null);
    t.deepEqual(others, []);
    t.true(renewed !== undefined && renewed.expiresAt > claim.expiresAt);
    await idempotency.release(claim);
    const next = { ...claim, requestId: aRequestId() };
    t.deepEqual(await idempotency.claimKey(next), renewed, 'the claim of another caller stays');
    if (renewed !== undefined) await idempotency.release(renewed);
    t.is(await idempotency.renew(claim, claim.expiresAt), null, 'a released claim cannot be renewed');
    t.deepEqual(await idempotency.claimKey(next), next);
  });

  test(`${driver}: a request id is held by its first claim until that is released`, async (t) => {
    const { idempotency } = await get();
    const first = { requestId: aRequestId(), owner: 'one', token: 'a', expiresAt: Date.now() + 60_000 };
    const other = { ...first, owner: 'two', token: 'b' };
    t.deepEqual(await idempotency.claimId(first), first);
    t.deepEqual(await idempotency.claimId(other), first);
    const renewed = await idempotency.renew(first, first.expiresAt + 1);
    t.deepEqual(renewed, { ...first, expiresAt: first.expiresAt + 1 });
    await idempotency.release(first);
    t.deepEqual(await idempotency.claimId(other), renewed, 'the claim has been renewed');
    if (renewed !== null) await idempotency.release(renewed);
    t.deepEqual(await idempotency.claimId(other), other);
  });

  test(`${driver}: an expired Idempotency-Key can be claimed again`, async (t) => {
    const { idempotency } = await get();
    const base = { namespace: aNamespace(), function: aName('hello'), key: 'k', bodyHash: 'h', version: 1 };
    const old = { ...base, requestId: aRequestId(), expiresAt: Date.now() + 30 };
    t.deepEqual(await idempotency.claimKey(old), old);
    await new Promise((resolve) => setTimeout(resolve, 60));
    const next = { ...base, requestId: aRequestId(), expiresAt: Date.now() + 60_000 };
    t.deepEqual(await idempotency.claimKey(next), next);
  });
}
