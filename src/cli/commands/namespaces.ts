import { type Command, InvalidArgumentError } from 'commander';
import { usageReplySchema } from '../../contract/http/namespaces.js';
import { MAX_QUOTA, QUOTA_NAMES, type QuotaName } from '../../contract/quotas.js';
import { suggest } from '../../suggest.js';
import { namespaceOf } from '../http-call.js';
import { openSession } from '../session.js';
import { wholeNumber } from '../values.js';

/** Adds the command `orama namespaces usage|quota`. */
export function addNamespaces(program: Command): void {
  const namespaces = program.command('namespaces').description('quotas of namespaces and their usage');
  addUsage(namespaces);
  addQuota(namespaces);
}

function addUsage(namespaces: Command): void {
  namespaces
    .command('usage')
    .description('show limit and usage of every quota. --namespace: for another namespace (admin key only)')
    .action(async (_flags, command: Command) => {
      const { client, terminal } = openSession(command);
      const reply = await client.call('GET', `/v1/namespaces/${await namespaceOf(client)}/usage`);
      terminal.show(reply, usageReplySchema, ({ quotas }) =>
        terminal.table(
          ['QUOTA', 'USED', 'LIMIT'],
          QUOTA_NAMES.map((name) => [name, String(quotas[name].used), String(quotas[name].limit)]),
        ),
      );
    });
}

function addQuota(namespaces: Command): void {
  namespaces
    .command('quota')
    .description('set a quota (admin key only). --namespace: for that namespace')
    .argument('<name>', 'quota; sizes are in MB', quotaName)
    .argument('<limit>', 'an integer, or "default"', limitOrDefault)
    .action(async (name: QuotaName, limit: number | null, _flags, command: Command) => {
      const { client, terminal } = openSession(command);
      const namespace = await namespaceOf(client);
      const reply = await client.call('PUT', `/v1/namespaces/${namespace}/quotas`, {
        json: { [name]: limit },
      });
      terminal.show(
        reply,
        usageReplySchema,
        ({ quotas }) => `The quota ${name} of namespace "${namespace}" is ${quotas[name].limit} now.`,
      );
    });
}

function quotaName(text: string): QuotaName {
  const found = QUOTA_NAMES.find((name) => name === text);
  if (found !== undefined) return found;
  const near = suggest(text, QUOTA_NAMES);
  throw new InvalidArgumentError(
    near === undefined ? `The quotas are ${QUOTA_NAMES.join(', ')}.` : `Did you mean ${near}?`,
  );
}

function limitOrDefault(text: string): number | null {
  if (text === 'default') return null;
  try {
    return wholeNumber(0, MAX_QUOTA)(text);
  } catch {
    throw new InvalidArgumentError(`It must be "default" or a whole number from 0 to ${MAX_QUOTA}.`);
  }
}
