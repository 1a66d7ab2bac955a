import { type Env, type Handlers, NonRetryableError } from 'orama';
import { createTables } from '../../lib/tables';

interface Order {
  item?: unknown;
  count?: unknown;
}

/** Takes an order, and says how one is. */
export default {
  async fetch(request, env: Env, ctx) {
    await createTables(env.DB);
    if (request.method === 'GET') {
      const id = ctx.http?.params.id ?? '';
      const order = await env.DB.prepare('SELECT id, item, count, paid FROM orders WHERE id = ?')
        .bind(id)
        .first();
      return order === null
        ? Response.json({ error: `There is no order ${id}.` }, { status: 404 })
        : Response.json(order);
    }
    const { item, count = 1 } = await request.json<Order>();
    if (typeof item !== 'string' || typeof count !== 'number')
      throw new NonRetryableError('no item in the order');
    // The id of the invocation: a retry places no second order.
    const id = ctx.requestId;
    await env.DB.prepare('INSERT OR IGNORE INTO orders (id, item, count, paid) VALUES (?, ?, ?, 0)')
      .bind(id, item, count)
      .run();
    await env.publish('orders:placed', { id, item, count });
    return Response.json({ id }, { status: 201 });
  },
} satisfies Handlers;
