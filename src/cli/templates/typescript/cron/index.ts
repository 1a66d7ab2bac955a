import type { Context, CronEvent, Env, Handlers } from 'orama';

type Settings = Env<{ GREETING: string }>;

export default {
  async scheduled(event: CronEvent, env: Settings, ctx: Context) {
    const runs = await env.CACHE.increment('runs');
    console.info(`${env.GREETING} from ${ctx.function}, due at ${event.scheduled_at}`);
    return { runs };
  },
} satisfies Handlers<Settings>;
