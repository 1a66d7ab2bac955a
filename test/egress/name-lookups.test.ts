import test from 'ava';
import { createNameLookups } from '../../src/egress/name-lookups.js';
import { aNamespace } from '../helpers/attempt.js';
import { asker, egress } from '../helpers/egress.js';

const never = () => new Promise<string[]>(() => {});

test('a lookup that gets no answer ends after its time limit', async (t) => {
  const silent = egress(t, { allow: [], resolve: never, lookupTimeoutMs: 100 });
  await t.throwsAsync(silent.check('http://slow.test/', asker), {
    code: 'unavailable',
    message: 'The host name slow.test could not be resolved: no answer within 0.1 s',
  });
});

test('the lookup of a request that is aborted is cancelled', async (t) => {
  const cancel = new AbortController();
  let lookup: AbortSignal | undefined;
  const resolve = (_host: string, signal: AbortSignal) => {
    lookup = signal;
    cancel.abort();
    return never();
  };
  const lookups = createNameLookups(resolve, 60_000);
  await t.throwsAsync(lookups.addresses('slow.test', { ...asker, signal: cancel.signal }), {
    code: 'unavailable',
  });
  t.true(lookup?.aborted);
});

test('lookups of a namespace that get no answer do not delay those of another', async (t) => {
  const server = silentServer();
  const lookups = createNameLookups(server.resolve, 300);
  const [slow, quick] = [{ namespace: aNamespace() }, { namespace: aNamespace() }];
  const unanswered = Promise.allSettled(
    Array.from({ length: 200 }, (_, at) => lookups.addresses(`a${at}.slow.test`, slow)),
  );
  t.deepEqual(await lookups.addresses('public.test', quick), ['93.184.216.34']);
  // Waiting counts towards the time limit, so all of them end together.
  t.true((await unanswered).every(({ status }) => status === 'rejected'));
  t.is(server.most(), 8);
  t.deepEqual(await lookups.addresses('public.test', slow), ['93.184.216.34']);
});

test('many namespaces whose lookups get no answer occupy no more than 128 lookups', async (t) => {
  const server = silentServer();
  const lookups = createNameLookups(server.resolve, 200);
  const namespaces = Array.from({ length: 20 }, () => ({ namespace: aNamespace() }));
  await Promise.allSettled(
    namespaces.flatMap((one) =>
      Array.from({ length: 10 }, (_, at) => lookups.addresses(`${at}.slow.test`, one)),
    ),
  );
  t.is(server.most(), 128);
});

/**
 * A resolver that answers for `public.test` only. `most` is the largest number of lookups at once.
 */
function silentServer() {
  let running = 0;
  let most = 0;
  return {
    most: () => most,
    async resolve(host: string, signal: AbortSignal): Promise<string[]> {
      if (host === 'public.test') return ['93.184.216.34'];
      running += 1;
      most = Math.max(most, running);
      signal.addEventListener('abort', () => {
        running -= 1;
      });
      return never();
    },
  };
}
