import { join } from 'node:path';
import test from 'ava';
import type { Namespace } from '../../src/contract/ids.js';
import { ALL_RIGHTS } from '../../src/contract/scopes.js';
import { createAudit } from '../../src/core/audit.js';
import type { Actor } from '../../src/core/auth/principal.js';
import { createDeadLetters } from '../../src/core/replay.js';
import { aDeadAttempt, anAttempt, anEnd, aRequestId } from '../helpers/attempt.js';
import { tempDir } from '../helpers/temp-dir.js';
import { openUseCases, type UseCases } from './use-cases.js';

const directory = tempDir();
let cases: UseCases;
test.before(async () => {
  cases = await openUseCases(join(directory, 'replay'));
});
test.after.always(() => cases.close());

function anActor(namespace: Namespace): Actor {
  const principal = {
    kind: 'api_key' as const,
    ...{ namespace, wallet: '', subject: 'key:test', keyName: 'test', keyId: 'test' },
    ...{ isAdmin: true, rights: ALL_RIGHTS, session: null, expiresAt: null, keyExpiresAt: null },
  };
  return { requestId: aRequestId(), principal };
}

test('a dead letter whose replay has ended, but was not recorded because of a crash, does not run again', async (t) => {
  const { store, queue, catalog, meter } = cases;
  const { namespace } = await cases.deploy();
  const by = anActor(namespace);
  let crashes = true;
  const attempts: typeof store.attempts = {
    ...store.attempts,
    async takeDead(id) {
      if (crashes) throw new Error('killed');
      return store.attempts.takeDead(id);
    },
  };
  const deadLetters = createDeadLetters({
    store: { ...store, attempts },
    audit: createAudit({ store }),
    queue,
    catalog,
    meter,
    resultTtlMs: 60_000,
  });
  const dead = aDeadAttempt({ namespace });
  await store.attempts.write([dead]);
  const replay = () => deadLetters.replay(by, namespace, dead.requestId, { version: 'pinned', input: null });
  await t.throwsAsync(replay, { message: 'killed' });
  const id = (await queue.list(namespace, { limit: 10 })).items[0]?.invocation.id;
  if (id === undefined) return t.fail('the replay is not on the queue');
  // The replay runs and leaves the queue.
  await store.attempts.write([anAttempt({ namespace, requestId: id, trigger: 'replay', final: anEnd() })]);
  await queue.cancel(id);
  crashes = false;
  t.is(await replay(), id);
  t.is(await queue.get(id), null);
  await t.throwsAsync(replay, { code: 'conflict' });
});
