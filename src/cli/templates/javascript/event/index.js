import { NonRetryableError } from 'orama';

/** @typedef {import('orama').Env<{ GREETING: string }>} Settings */

/** @type {import('orama').Handlers<Settings, { name: string }>} */
const handlers = {
  async event(event, env, ctx) {
    const name = event.data?.name;
    // Retried as configured in function.yaml, except for a NonRetryableError.
    if (typeof name !== 'string') {
      throw new NonRetryableError(
        `expected an event whose data has a name, and got: ${JSON.stringify(event)}`,
      );
    }
    const count = await env.CACHE.increment(`guests:${name}`);
    await env.publish('guests:greeted', { greeting: `${env.GREETING}, ${name}!`, count });
    console.info(`greeted ${name} at attempt ${ctx.attempt}`);
    return { count };
  },
};

export default handlers;
