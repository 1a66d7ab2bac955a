import { replayReplySchema } from '../contract/http/invocations.js';
import { type InvocationRecord, invocationRecordSchema } from '../contract/invocation.js';
import { readData } from './data.js';
import type { CliSession } from './session.js';
import type { Terminal } from './terminal.js';

export interface ReplayFlags {
  newest?: boolean;
  data?: string;
}

/** Replays one invocation, with its own input or another one. */
export async function replayOne(
  { client, terminal }: CliSession,
  id: string,
  flags: ReplayFlags,
): Promise<void> {
  const reply = await client.call('POST', `/v1/invocations/${encodeURIComponent(id)}/replay`, {
    query: { version: flags.newest === true ? 'newest' : undefined },
    ...(flags.data === undefined
      ? {}
      : { json: { input_base64: Buffer.from(await readData(flags.data)).toString('base64') } }),
  });
  terminal.show(reply, replayReplySchema, ({ request_id }) => `Replayed as ${request_id}`);
}

/** Prints one invocation with its attempts and, while they are kept, its input and output. */
export async function showInvocation({ client, terminal }: CliSession, id: string): Promise<void> {
  const reply = await client.call('GET', `/v1/invocations/${encodeURIComponent(id)}`);
  terminal.show(reply, invocationRecordSchema, (record) => renderInvocation(terminal, record));
}

/** Formats an invocation as a table of its fields, followed by its attempts. */
function renderInvocation(terminal: Terminal, { attempts, ...record }: InvocationRecord): string {
  const rows = Object.entries(record).map(([key, value]) => [key, cell(value)]);
  const tries = attempts.map((attempt) => [
    `attempt ${attempt.number}`,
    `${attempt.status} after ${attempt.duration_ms} ms, ${attempt.started_at}: ${attempt.error ?? ''}`,
  ]);
  return terminal.table(['KEY', 'VALUE'], [...rows, ...tries]);
}

function cell(value: unknown): string {
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return String(value ?? '');
}
