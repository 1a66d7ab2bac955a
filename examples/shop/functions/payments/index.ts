import { type Env, type Handlers, NonRetryableError } from 'orama';

/** The payment provider's webhook: tells the shop that an order is paid. */
export default {
  async fetch(request, env: Env) {
    const { order } = await request.json<{ order?: unknown }>();
    if (typeof order !== 'string') throw new NonRetryableError('the event names no order');
    await env.publish('orders:paid', { order });
    return new Response(null, { status: 204 });
  },
} satisfies Handlers;
