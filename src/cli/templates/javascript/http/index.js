/** @typedef {import('orama').Env<{ GREETING: string }>} Settings */

/** @type {import('orama').Handlers<Settings>} */
const handlers = {
  async fetch(request, env, ctx) {
    const { name = 'World' } = (await request.json().catch(() => null)) ?? {};
    const calls = await env.CACHE.increment('calls');
    console.info(`greeting ${name} in ${ctx.requestId}`);
    return Response.json({ greeting: `${env.GREETING}, ${name}!`, calls });
  },
};

export default handlers;
