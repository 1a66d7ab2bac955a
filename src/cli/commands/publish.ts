import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { countReplySchema } from '../../contract/http/common.js';
import { presenceReplySchema, publishReplySchema } from '../../contract/http/pubsub.js';
import { JsonText, stringifyWith, toJsonText } from '../../json/json-text.js';
import type { Client } from '../client.js';
import { readData } from '../data.js';
import { readLines } from '../ndjson.js';
import { publishLines } from '../publish-lines.js';
import { openSession } from '../session.js';

interface Flags {
  data: string;
  batch?: string;
}

/** Adds the command `orama function publish <topic>`. */
export function addPublish(parent: Command): void {
  parent
    .command('publish')
    .description('publish a message, which fires every trigger on the topic')
    .argument('<topic>')
    .option('-d, --data <json>', 'the message; @file reads a file, - reads stdin', 'null')
    .addOption(
      new Option('--batch <ndjson>', 'many messages, a JSON value a line; @file, or - for stdin').conflicts(
        'data',
      ),
    )
    .action(async (topic: string, { data, batch }: Flags, command: Command) => {
      if (batch !== undefined && batch !== '-' && existsSync(batch))
        command.error(
          `error: --batch takes the lines themselves; to read them from the file, write @${batch}`,
        );
      const { client, terminal } = openSession(command);
      if (batch !== undefined) {
        const count = await publishLines(client, topic, readLines(await readData(batch)));
        terminal.show({ count }, countReplySchema, () => `Published ${count} to ${topic}`);
        return;
      }
      const message = readMessage(await readData(data));
      const jsonText = stringifyWith({ topic, ...message });
      const reply = await client.call('POST', '/v1/pubsub/publish', { jsonText });
      const members = terminal.isTerminal ? await membersOf(client, topic) : 0;
      terminal.show(reply, publishReplySchema, ({ triggered }) => {
        const reached = [
          counted(triggered, 'trigger fired', 'triggers fired'),
          ...(members === 0
            ? []
            : [counted(members, 'member of the topic told', 'members of the topic told')]),
        ];
        return `Published to ${topic}: ${reached.join(', ')}`;
      });
    });
}

/**
 * Returns the number of live subscribers with presence on the topic. An error counts as 0, since
 * the message has been published.
 */
async function membersOf(client: Client, topic: string): Promise<number> {
  const reply = await client.call('GET', '/v1/pubsub/presence', { query: { topic } }).catch(() => null);
  return presenceReplySchema.safeParse(reply).data?.count ?? 0;
}

function counted(count: number, one: string, more: string): string {
  return `${count} ${count === 1 ? one : more}`;
}

/** Encodes a message: JSON verbatim, other text as a JSON string, other bytes as base64. */
function readMessage(bytes: Uint8Array): { data: JsonText } | { data_base64: string } {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { data_base64: Buffer.from(bytes).toString('base64') };
  }
  return { data: toJsonText(text) ?? new JsonText(JSON.stringify(text)) };
}
