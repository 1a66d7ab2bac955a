import test from 'ava';
import type { InvocationEnd } from '../../src/core/invocations/finish.js';
import type { AttemptRow } from '../../src/ports/store/attempts.js';
import { settleDelivery } from '../../workers/delivery/settle-delivery.js';
import { queued } from '../helpers/invocations.js';

test('the end of a guest whose job another worker has taken over is neither recorded nor settled', async (t) => {
  const fails = () => t.fail('recorded');
  const deps = {
    finisher: { finish: fails },
    logWriter: { write: fails },
    logQuota: { admit: fails },
    meter: { attempted: fails },
    catalog: { find: fails },
  };
  const delivery = { invocation: {}, signal: { aborted: true, reason: 'lost' } };
  const settlement = await settleDelivery(deps as never, delivery as never, {} as never, {} as never);
  t.deepEqual(settlement, { kind: 'lost' });
});

test('a failed attempt whose function was deleted while it ran is not retried: its invocation is cancelled', async (t) => {
  const { deps, rows, ends } = recorded(async () => null);
  t.deepEqual(await settleFailure(deps), { kind: 'done' });
  t.is(rows.length, 1);
  t.is(ends.length, 1);
  t.like(ends[0], { outcome: 'cancelled', row: { attempt: 2, isAttempt: false } });
});

test('a failed attempt is retried if its function exists, or if the store cannot be asked', async (t) => {
  for (const find of [async () => ({}), () => Promise.reject(new Error('unreachable'))]) {
    const { deps, rows, ends } = recorded(find);
    t.deepEqual(await settleFailure(deps), { kind: 'retry', error: 'exit 1' });
    t.is(rows.length, 1);
    t.is(ends.length, 0);
  }
});

/** The dependencies of a settlement, and what they are asked to record. */
function recorded(find: () => Promise<object | null>) {
  const [rows, ends]: [AttemptRow[], InvocationEnd[]] = [[], []];
  const deps = {
    finisher: { finish: async (end: InvocationEnd) => void ends.push(end) },
    logWriter: { write: async (row: AttemptRow) => void rows.push(row) },
    logQuota: {
      admit: () => {
        throw new Error('the attempt has no log');
      },
    },
    meter: { attempted: () => {} },
    catalog: { find },
  };
  return { deps, rows, ends };
}

/** Settles a second attempt that has failed and is not the last. */
function settleFailure(deps: object) {
  const delivery = {
    ...{ invocation: queued({}).invocation, attempt: 2 },
    ...{ isLastAttempt: false, signal: { aborted: false } },
  };
  const outcome = { status: 'error', error: 'exit 1', output: new Uint8Array(), messages: [], exitCode: 1 };
  return settleDelivery(
    deps as never,
    delivery as never,
    { namespace: 'ns', name: 'hello', version: 1 } as never,
    { ...outcome, startedAt: 0, durationMs: 1 } as never,
  );
}
