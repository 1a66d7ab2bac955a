import test from 'ava';
import type { StoredTrace } from '../../src/ports/store/traces.js';
import { aName, aNamespace, aRequestId } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './open-store.js';

/** Tests about the traces of attempts. */
export function testTraces(driver: string, open: OpenStore): void {
  const get = shared(open);

  test(`${driver}: traces are stored by attempt and namespace, and swept by age`, async (t) => {
    const { traces } = await get();
    const namespace = aNamespace();
    const requestId = aRequestId();
    const traceOf = (attempt: number): StoredTrace => ({
      namespace,
      function: aName('traced'),
      trace: {
        request_id: requestId,
        attempt,
        truncated: false,
        calls: [
          {
            ...{ call: 'cache_get', about: 'k\u0000\ud800', digest: 'd', started_ms: 0.5, duration_ms: 1 },
            result: { kind: 'bytes', base64: 'AP8=' },
          },
        ],
      },
    });
    t.is(await traces.get(namespace, requestId), null);
    await traces.put(traceOf(1));
    await traces.put(traceOf(2));
    // After a crash, the same attempt may be recorded again.
    await traces.put(traceOf(2));
    t.deepEqual(await traces.get(namespace, requestId), traceOf(2));
    t.deepEqual(await traces.get(namespace, requestId, 1), traceOf(1));
    t.is(await traces.get(namespace, requestId, 3), null);
    t.is(await traces.get(aNamespace(), requestId), null);
    t.is(await traces.sweep(Date.now() - 60_000), 0);
    while ((await traces.sweep(Date.now() + 60_000)) > 0);
    t.is(await traces.get(namespace, requestId), null);
  });
}
