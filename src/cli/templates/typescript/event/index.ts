import { type Context, type Env, type Handlers, NonRetryableError, type TopicEvent } from 'orama';

type Settings = Env<{ GREETING: string }>;

interface Guest {
  name: string;
}

export default {
  async event(event: TopicEvent<Guest>, env: Settings, ctx: Context) {
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
} satisfies Handlers<Settings, Guest>;
