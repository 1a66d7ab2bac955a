import type { HostCalls } from '../../src/contract/host-functions.js';
import type { RequestId } from '../../src/contract/ids.js';
import type { Engine } from '../../src/ports/engine.js';
import { runText } from './engine.js';
import { guest } from './guests.js';

const GUESTS = [
  { source: 'host.c', warmStart: 'fresh' },
  { source: 'host.rs', warmStart: 'fresh' },
  { source: 'host.go', warmStart: 'go-command' },
  { source: 'host.as.ts', warmStart: 'reactor' },
] as const;

/** Host functions that return the identity that they are bound to, some with a delay. */
function boundTo(who: string, turn: number): Partial<HostCalls> {
  const answer = async <T>(value: T): Promise<T> => {
    if (turn % 3 === 0) await new Promise((resolve) => setTimeout(resolve, turn % 7));
    return value;
  };
  const bytes = new TextEncoder().encode(who);
  return {
    get_secret: () => answer(who),
    db_query: () => answer(who),
    db_execute: () => answer(turn),
    cache_get: () => answer(bytes),
    cache_set: () => answer(undefined),
    cache_incr: () => answer(BigInt(turn)),
    cache_incr_by: () => answer(BigInt(turn)),
    cache_delete: () => answer(true),
    http_fetch: () => answer(who),
    pubsub_publish: () => answer({ value: 1, note: who }),
    storage_put: () => answer(who),
    storage_get: () => answer(bytes),
    enqueue: () => answer(who),
  };
}

/**
 * Runs interleaved invocations of two namespaces on one engine. Resolves with those whose output or
 * log contained data of another one.
 */
export async function isolationRound(
  engine: Engine,
  options: { invocations: number; atOnce: number },
): Promise<{ runs: number; mixed: string[] }> {
  const modules = await Promise.all(GUESTS.map(({ source }) => guest(source)));
  const mixed: string[] = [];
  let next = 0;
  let runs = 0;
  const worker = async () => {
    while (next < options.invocations) {
      const turn = next++;
      const namespace = turn % 2 === 0 ? 'even' : 'odd';
      const who = `${namespace}-${turn}-${'x'.repeat(turn % 50)}`;
      const kind = turn % GUESTS.length;
      const { warmStart } = GUESTS[kind] ?? GUESTS[0];
      const outcome = await runText(engine, modules[kind] ?? new Uint8Array(), '', {
        namespace,
        warmStart,
        callerWallet: who,
        requestId: who as RequestId,
        env: { COLOUR: who },
        host: boundTo(who, turn),
      });
      runs++;
      if (!isOwn(outcome.output, outcome.log, who, turn)) {
        mixed.push(
          `${who} (${GUESTS[kind]?.source}): ${outcome.error} ${outcome.output} ${outcome.log.join()}`,
        );
      }
    }
  };
  await Promise.all(Array.from({ length: options.atOnce }, worker));
  return { runs, mixed };
}

function isOwn(output: string, log: readonly string[], who: string, turn: number): boolean {
  const both = (name: string) => [`${name} ${who}`, `${name}_into ${who.length} ${who}`];
  const expected = [
    ...both('get_caller_wallet'),
    ...both('get_request_id'),
    ...both('get_env'),
    'get_env ',
    'get_env_into -1 ',
    ...both('get_secret'),
    ...both('db_query'),
    `db_execute ${turn}`,
    ...both('cache_get'),
    `cache_incr ${turn}`,
    `cache_incr_by ${turn}`,
    'cache_delete 1',
    ...both('http_fetch'),
    'pubsub_publish 1',
    ...both('storage_put'),
    ...both('storage_get'),
    ...both('enqueue'),
    '',
  ].join('\n');
  return (
    output === expected &&
    log.join() === [`warn: ${who}`, 'debug: d', 'info: i', 'warn: w', 'error: e'].join()
  );
}
