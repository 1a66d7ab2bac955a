import { type Command, Option } from 'commander';
import { z } from 'zod';
import { countReplySchema } from '../../contract/http/common.js';
import { readData } from '../data.js';
import { readLines } from '../ndjson.js';
import { publishLines } from '../publish-lines.js';
import { openSession } from '../session.js';

interface Flags {
  data: string;
  batch?: string;
}

/** `orama function publish <topic>` */
export function addPublish(parent: Command): void {
  parent
    .command('publish')
    .description('publish a message: it fires every trigger on the topic')
    .argument('<topic>')
    .option('-d, --data <json>', 'the message; @file reads a file, - reads stdin', 'null')
    .addOption(
      new Option('--batch <ndjson>', 'many messages, a JSON value a line; @file, or - for stdin').conflicts(
        'data',
      ),
    )
    .action(async (topic: string, { data, batch }: Flags, command: Command) => {
      const { client, terminal } = openSession(command);
      if (batch !== undefined) {
        const count = await publishLines(client, topic, readLines(await readData(batch)));
        terminal.show({ count }, countReplySchema, () => `Published ${count} to ${topic}`);
        return;
      }
      const message = readMessage(await readData(data));
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
