import test from 'ava';
import type { TriggerKind } from '../../src/contract/invocation.js';
import { earlierAttempts, endOf } from '../../workers/delivery/stored-attempts.js';
import { anAttempt, anEnd } from '../helpers/attempt.js';
import { queued } from '../helpers/invocations.js';

const ended = anAttempt({ final: anEnd() });
const store = { attempts: { invocation: async () => ({ attempts: [ended] }) } };

function earlier(trigger: TriggerKind, redelivered: boolean) {
  return earlierAttempts({ store }, { redelivered, invocation: queued({ trigger }).invocation });
}

test('the second job of a replay that has ended finds the end, and another invocation only if it is redelivered', async (t) => {
  t.is(endOf(await earlier('replay', false))?.requestId, ended.requestId);
  t.is(endOf(await earlier('pubsub', false)), null);
  t.is(endOf(await earlier('pubsub', true))?.requestId, ended.requestId);
});

test('while the store is unreachable, a redelivered invocation runs again', async (t) => {
  const away = { attempts: { invocation: () => Promise.reject(new Error('unreachable')) } };
  const delivery = { redelivered: true, invocation: queued({}).invocation };
  t.deepEqual(await earlierAttempts({ store: away }, delivery), []);
});
