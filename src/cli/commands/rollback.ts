import type { Command } from 'commander';
import { aliasRecordSchema, LIVE_ALIAS, MAX_VERSION } from '../../contract/alias.js';
import { aliasesReplySchema } from '../../contract/http/aliases.js';
import { deployReplySchema, versionsReplySchema } from '../../contract/http/functions.js';
import { AppError } from '../../errors.js';
import type { Client } from '../client.js';
import { openSession } from '../session.js';
import { wholeNumber } from '../values.js';

/** Adds the command `orama function rollback <name> <version>`. */
export function addRollback(parent: Command): void {
  parent
    .command('rollback')
    .description(
      'go back to an older version: with the alias live if it exists, otherwise with a new version like it',
    )
    .argument('<name>')
    .argument('<version>', 'version to go back to', wholeNumber(1, MAX_VERSION))
    .action(async (name: string, version: number, _options, command: Command) => {
      const { client, terminal } = openSession(command);
      await assertVersion(client, name, version);
      const fn = `/v1/functions/${encodeURIComponent(name)}`;
      const { aliases } = aliasesReplySchema.parse(await client.call('GET', `${fn}/aliases`));
      if (aliases.some(({ alias }) => alias === LIVE_ALIAS)) {
        const moved = await client.call('PUT', `${fn}/aliases/${LIVE_ALIAS}`, { json: { version } });
        terminal.show(
          moved,
          aliasRecordSchema,
          () => `${name}@${LIVE_ALIAS} points to version ${version} again`,
        );
        return;
      }
      const path = `${fn}/rollback`;
      const reply = await client.call('POST', path, { json: { version } });
      terminal.show(
        reply,
        deployReplySchema,
        (done) =>
          `Deployed ${done.function.name} version ${done.function.version}, a copy of version ${version}`,
      );
    });
}

/** Maximum number of versions listed in the message. */
const LISTED = 10;

/** Throws an error that lists the existing versions if this one does not exist. */
async function assertVersion(client: Client, name: string, version: number): Promise<void> {
  const reply = await client.call('GET', `/v1/functions/${encodeURIComponent(name)}/versions`);
  const versions = versionsReplySchema.parse(reply).versions.map((fn) => fn.version);
  if (versions.includes(version)) return;
  const listed = versions.slice(0, LISTED).join(', ');
  throw new AppError(
    'function_not_found',
    versions.length > LISTED
      ? `Function "${name}" has no version ${version}; the newest of its ${versions.length} versions are ${listed}`
      : `Function "${name}" has no version ${version}; it has ${listed}`,
  );
}
