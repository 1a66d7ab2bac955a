import type { Context, Env, Handlers } from 'orama';

type Settings = Env<{ GREETING: string }>;

interface Input {
  name?: string;
}

export default {
  async fetch(request: Request, env: Settings, ctx: Context): Promise<Response> {
    const input = await request.json<Input | null>().catch(() => null);
    const name = input?.name ?? new URL(request.url).searchParams.get('name') ?? 'World';
    const calls = await env.CACHE.increment('calls');
    console.info(`greeting ${name} in ${ctx.requestId}`);
    return Response.json({ greeting: `${env.GREETING}, ${name}!`, calls });
  },
} satisfies Handlers<Settings>;
