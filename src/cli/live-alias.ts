import pMap from 'p-map';
import { type AliasRecord, LIVE_ALIAS } from '../contract/alias.js';
import { aliasesReplySchema } from '../contract/http/aliases.js';
import type { Client } from './client.js';
import type { Terminal } from './terminal.js';

/** Maximum number of concurrent requests. */
const AT_ONCE = 4;

/**
 * Resolves with the alias `live` of a function, or with undefined if it has none or the credential
 * may not read it.
 */
export async function liveAliasOf(name: string, client: Client): Promise<AliasRecord | undefined> {
  const path = `/v1/functions/${encodeURIComponent(name)}/aliases`;
  const reply = aliasesReplySchema.safeParse(await client.call('GET', path).catch(() => null));
  return reply.data?.aliases.find(({ alias }) => alias === LIVE_ALIAS);
}

/** Resolves with the aliases `live` of these functions, by name of the function. */
export async function liveAliasesOf(
  names: readonly string[],
  client: Client,
): Promise<ReadonlyMap<string, AliasRecord>> {
  const found = await pMap(names, (name) => liveAliasOf(name, client), { concurrency: AT_ONCE });
  return new Map(found.flatMap((live, at) => (live === undefined ? [] : [[names[at] ?? '', live]])));
}

/**
 * Warns of each function whose calls still run an older version than the one just deployed.
 * Resolves with the names of these functions.
 */
export async function warnOfLiveAliases(
  deployed: ReadonlyMap<string, number>,
  client: Client,
  terminal: Terminal,
): Promise<ReadonlySet<string>> {
  const older = new Set<string>();
  for (const [name, live] of await liveAliasesOf([...deployed.keys()], client)) {
    const version = deployed.get(name) ?? 0;
    if (shareOf(live, version) === 100) continue;
    older.add(name);
    terminal.problem(
      `warning: calls of ${name} still go to ${splitOf(live)} (alias live); move them with: orama function rollout ${name} --to ${version}, or: orama function alias set ${name} live ${version}`,
    );
  }
  return older;
}

/** Formats what an alias refers to: `90 % version 1, 10 % version 2` */
export function splitOf({ version, weights }: AliasRecord): string {
  const others = Object.entries(weights);
  if (others.length === 0) return `version ${version}`;
  const shares = others.map(([other, percent]) => `${percent} % version ${other}`);
  return [`${ownShare(weights)} % version ${version}`, ...shares].join(', ');
}

/** Returns the percentage of the alias's calls that run a version. */
export function shareOf({ version: own, weights }: AliasRecord, version: number): number {
  return (own === version ? ownShare(weights) : 0) + (weights[version] ?? 0);
}

function ownShare(weights: AliasRecord['weights']): number {
  return 100 - Object.values(weights).reduce((sum, percent) => sum + percent, 0);
}
