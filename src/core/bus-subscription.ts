import type { Bus, Unsubscribe } from '../ports/bus.js';

/**
 * Subscribes to channels, and to gaps, in which their messages may have been lost. Resolves with a
 * function that ends all of it.
 */
export async function subscribe(
  bus: Pick<Bus, 'subscribe' | 'onGap'>,
  handlers: Readonly<Record<string, (message: string) => void>>,
  onGap: () => void,
): Promise<Unsubscribe> {
  const unsubscribe = [bus.onGap(onGap)];
  for (const [channel, handler] of Object.entries(handlers)) {
    unsubscribe.push(await bus.subscribe(channel, handler));
  }
  return async () => {
    for (const end of unsubscribe) await end();
  };
}

/**
 * Announces a change that has been stored to the processes that cache what it changes. If the bus
 * is unreachable, the change still succeeds, and they notice it when their entries expire.
 */
export async function announce(bus: Pick<Bus, 'notify'>, channel: string, message: string): Promise<void> {
  await bus.notify(channel, message).catch(() => undefined);
}
