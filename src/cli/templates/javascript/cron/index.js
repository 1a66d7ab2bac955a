/** @typedef {import('orama').Env<{ GREETING: string }>} Settings */

/** @type {import('orama').Handlers<Settings>} */
const handlers = {
  async scheduled(event, env, ctx) {
    const runs = await env.CACHE.increment('runs');
    console.info(`${env.GREETING} from ${ctx.function}, due at ${event.scheduled_at}`);
    return { runs };
  },
};

export default handlers;
