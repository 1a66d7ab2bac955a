/** @typedef {import('orama').Env<{ GREETING: string }>} Settings */
/** @typedef {{ name?: string } | null} Input */

/** @type {import('orama').Handlers<Settings>} */
const handlers = {
  async fetch(request, env, ctx) {
    const input = /** @type {Input} */ (await request.json().catch(() => null));
    const name = input?.name ?? new URL(request.url).searchParams.get('name') ?? 'World';
    const calls = await env.CACHE.increment('calls');
    console.info(`greeting ${name} in ${ctx.requestId}`);
    return Response.json({ greeting: `${env.GREETING}, ${name}!`, calls });
  },
};

export default handlers;
