import test from 'ava';
import { settleDelivery } from '../../workers/delivery/settle-delivery.js';

test('the end of a guest whose job another worker has taken over is neither recorded nor settled', async (t) => {
  const fails = () => t.fail('recorded');
  const deps = {
    finisher: { finish: fails },
    logWriter: { write: fails },
    logQuota: { admit: fails },
    meter: { attempted: fails },
  };
  const delivery = { invocation: {}, signal: { aborted: true, reason: 'lost' } };
  const settlement = await settleDelivery(deps as never, delivery as never, {} as never, {} as never);
  t.deepEqual(settlement, { kind: 'lost' });
});
