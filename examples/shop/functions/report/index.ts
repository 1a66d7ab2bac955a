import type { Env, Handlers } from 'orama';
import { createTables } from '../../lib/tables';

/** Each morning: what was ordered, and what is paid. */
export default {
  async scheduled(event, env: Env<{ SENDER: string }>) {
    await createTables(env.DB);
    const totals = await env.DB.prepare(
      'SELECT count(*) AS orders, coalesce(sum(paid), 0) AS paid FROM orders',
    ).first();
    console.info('report of', event.scheduled_at, 'from', env.SENDER, JSON.stringify(totals));
    return totals;
  },
} satisfies Handlers<Env<{ SENDER: string }>>;
