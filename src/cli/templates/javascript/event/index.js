/** @typedef {import('orama').Env<{ GREETING: string }>} Settings */

/** @type {import('orama').Handlers<Settings, { name: string }>} */
const handlers = {
  async event(event, env, ctx) {
    const { name } = event.data;
    const count = await env.CACHE.increment(`guests:${name}`);
    await env.publish('guests:greeted', { greeting: `${env.GREETING}, ${name}!`, count });
    console.info(`greeted ${name} at attempt ${ctx.attempt}`);
    return { count };
  },
};

export default handlers;
