import type { Command } from 'commander';
import { z } from 'zod';
import { readData } from '../data.js';
import { openSession } from '../session.js';

/** `orama function publish <topic>` */
export function addPublish(parent: Command): void {
  parent
    .command('publish')
    .description('publish a message: it fires every trigger on the topic')
    .argument('<topic>')
    .option('-d, --data <json>', 'the message; @file reads a file, - reads stdin', 'null')
    .action(async (topic: string, flags: { data: string }, command: Command) => {
      const { client, terminal } = openSession(command);
      const message = readMessage(await readData(flags.data));
      const reply = await client.call('POST', '/v1/pubsub/publish', { json: { topic, ...message } });
      terminal.show(reply, z.unknown(), () => `Published to ${topic}`);
    });
}

/** A JSON value as itself, other text as a string, other bytes as base64. */
function readMessage(bytes: Uint8Array): { data: unknown } | { data_base64: string } {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { data_base64: Buffer.from(bytes).toString('base64') };
  }
  try {
    return { data: JSON.parse(text) };
  } catch {
    return { data: text };
  }
}
