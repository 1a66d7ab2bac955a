import { acts, actsWasm, publishing } from '../helpers/acts.js';
import type { Api } from '../helpers/api.js';
import { until } from '../helpers/until.js';

export interface Scene {
  /** An invocation that triggered others. */
  tree: string;
  /** A dead invocation. */
  failed: string;
  /** A message that triggered two invocations. */
  message: string;
}

/** Of the two versions of `orders`. */
const ORIGINS = [
  { message: 'Take orders by HTTP', git_commit: '4f0c2a91d3b86e57a1c9f0248db37e6512ca90fe' },
  { message: 'More memory for large carts', git_commit: '9d27b1e06ac4583f7e10d2b9964fc8a3350be71d-dirty' },
] as const;

/**
 * Populates a namespace with functions, versions, a live alias, triggers, a tree of events,
 * failures, secrets and rows.
 */
export async function populate(api: Api): Promise<Scene> {
  const wasm = await actsWasm();
  const deploy = async (name: string, metadata: object = {}, fields: Record<string, string> = {}) => {
    const reply = await api.deploy(name, wasm, { metadata: JSON.stringify(metadata), ...fields });
    if (reply.status !== 201) throw new Error(reply.text);
  };
  await deploy(
    'orders',
    { http: { methods: ['GET', 'POST'], routes: ['POST /orders'] } },
    { is_public: 'true', ...ORIGINS[0] },
  );
  await deploy('orders', {}, { memory_limit_mb: '96', ...ORIGINS[1] });
  const charge = { triggers: [{ topic: 'orders:created' }], on_failure: 'billing:failed' };
  // Two versions: a function with one can have no rollout.
  for (let version = 1; version <= 2; version++)
    await deploy('charge-card', charge, { retry_count: '1', retry_delay_seconds: '0' });
  await deploy('send-receipt', { triggers: [{ topic: 'orders:paid' }] });
  await deploy('update-stock', { triggers: [{ topic: 'orders:created' }] });
  await deploy('nightly-report', { triggers: [{ cron: '0 3 * * *', timezone: 'Europe/Berlin' }] });
  await api.put('/v1/functions/orders/aliases/live', { version: 1, weights: { 2: 10 } });
  await api.put('/v1/functions/secrets', { name: 'STRIPE_KEY', value: 'sk_test_not_a_real_key' });
  await api.put('/v1/functions/secrets', { name: 'MAIL_TOKEN', value: 'not a real token' });

  await api.post('/v1/rqlite/exec', {
    sql: 'create table orders (id integer primary key, customer text, cents integer)',
  });
  await api.post('/v1/rqlite/exec', {
    sql: "insert into orders (customer, cents) values ('Ada', 4200), ('Grace', 1999), ('Edsger', 9007199254740993)",
  });

  const paid = publishing('orders:paid', 'log receipt sent', 'sleep 15');
  const created = publishing('orders:created', 'log order 42: 42.00 EUR', 'sleep 25', paid);
  const reply = await api.invoke('orders', acts('log order 42 accepted', created));
  for (let call = 0; call < 14; call++) {
    await api.invoke('orders', acts(`echo order ${call}`, `sleep ${3 * call}`));
  }
  await api.invoke('orders', acts('exit 65'));
  const failing = await api.invoke(
    'charge-card',
    acts('log charging card 4242', 'fail the payment provider answered 502', 'exit 1'),
    { Prefer: 'respond-async' },
  );
  const published = await api.publish('orders:created', { order: 7 });
  const failed = String(failing.json.request_id);
  await until('a dead letter', async () => {
    const { state } = (await api.get(`/v1/invocations/${failed}`)).json;
    return state === 'dead';
  });
  await until('the tree is complete', async () => {
    const { json } = await api.get('/v1/invocations?function=send-receipt&status=success');
    return json.count >= 2;
  });
  return {
    ...{ tree: String(reply.headers.get('x-request-id')), failed },
    message: String(published.headers.get('x-message-id')),
  };
}
