import type { Queues } from '../../queues/bull-queues.js';
import type { Delivery, Settlement } from '../../src/ports/queue.js';
import { until } from './until.js';

export const DONE: Settlement = { kind: 'done' };

/** Consumes jobs one by one until `count` deliveries have been made, and resolves with them. */
export async function collect(
  { queue }: Queues,
  count: number,
  settle: (delivery: Delivery, count: number) => Settlement = () => DONE,
): Promise<Delivery[]> {
  const deliveries: Delivery[] = [];
  const consumer = await queue.consume(
    async (delivery) => {
      deliveries.push(delivery);
      return settle(delivery, deliveries.length);
    },
    { concurrency: 1 },
  );
  await until(`${count} deliveries were made`, () => deliveries.length >= count);
  await consumer.close();
  return deliveries;
}

/** Starts a consumer whose handlers wait until they are released. */
export async function hold({ queue }: Queues, concurrency = 1) {
  const inputs: string[] = [];
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const consumer = await queue.consume(
    async ({ invocation }) => {
      inputs.push(Buffer.from(invocation.input).toString());
      await released;
      return DONE;
    },
    { concurrency },
  );
  return {
    inputs,
    release,
    started: (count: number) => until(`${count} handlers have started`, () => inputs.length >= count),
    close: () => consumer.close(),
  };
}
