import type { Context, Env, Handlers } from 'orama';

type Settings = Env<{ GREETING: string }>;

interface Input {
  name?: string;
}

export default {
  async fetch(request: Request, env: Settings, ctx: Context): Promise<Response> {
    const { name = 'World' } = await request.json<Input>();
    const calls = await env.CACHE.increment('hello:calls');
    console.info(`greeting ${name}, attempt ${ctx.attempt}`);
    return Response.json({ greeting: `${env.GREETING}, ${name}!`, calls });
  },
} satisfies Handlers<Settings>;
