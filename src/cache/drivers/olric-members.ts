import type { Redis } from 'ioredis';
import { AppError, messageOf } from '../../errors.js';
import { redactUrl } from '../../redact-url.js';
import { connectNode } from '../../redis/server.js';

/**
 * Olric speaks RESP but supports neither INFO nor CLIENT, nor, with a password, the HELLO command
 * that would carry it.
 */
const DIALECT = {
  protocol: 2 as const,
  enableReadyCheck: false,
  disableClientInfo: true,
  stringNumbers: true,
};

const SCAN_COUNT = 100;

/** Partition id, its primary owners as host:port, the owners of its replicas. */
type Partition = [id: string, owners: string[], replicas: string[]];

/** Throws `bad_config` if the server of the URL cannot be reached or is another one than Olric. */
export async function connectOlric(url: string): Promise<Redis> {
  const olric = await connectNode(url, 'OLRIC_URL', DIALECT);
  try {
    await olric.call('DM.GET', 'orama:cache-ping', 'ping');
  } catch (error) {
    // A member that has no such key, or cannot answer now, is Olric.
    if (!/unknown command/i.test(messageOf(error))) return olric;
    olric.disconnect();
    throw new AppError(
      'bad_config',
      `The server at OLRIC_URL, ${redactUrl(url)}, is not Olric; correct the URL, or unset it to have the cache on the Redis of REDIS_URL.`,
    );
  }
  return olric;
}

/** The members of an Olric cluster, for commands that cover only a member's own partitions. */
export class OlricMembers {
  readonly #olric: Redis;
  readonly #url: string;
  readonly #connections = new Map<string, Promise<Redis>>();

  constructor(olric: Redis, url: string) {
    this.#olric = olric;
    this.#url = url;
  }

  /** Returns the STATS response of every member that owns a partition. */
  async stats(): Promise<string[]> {
    const partitions = await this.#partitions();
    const owners = [...new Set(partitions.flatMap(([, owners]) => owners))];
    return Promise.all(owners.map(async (owner) => String(await (await this.#at(owner)).call('STATS'))));
  }

  /** Yields the keys of a DMap that match the regular expression, in pages. */
  async *keys(dmap: string, pattern: string): AsyncGenerator<string[]> {
    for (const [partition, owners] of await this.#partitions()) {
      for (const owner of owners) {
        const member = await this.#at(owner);
        let cursor = '0';
        do {
          const args = [partition, dmap, cursor, 'COUNT', SCAN_COUNT, 'MATCH', pattern];
          const [next, keys] = (await member.call('DM.SCAN', ...args)) as [string, string[]];
          yield keys;
          cursor = next;
        } while (cursor !== '0');
      }
    }
  }

  async close(): Promise<void> {
    for (const connection of await Promise.allSettled(this.#connections.values())) {
      if (connection.status === 'fulfilled') connection.value.disconnect();
    }
  }

  async #partitions(): Promise<Partition[]> {
    const partitions = (await this.#olric.call('CLUSTER.ROUTINGTABLE')) as Partition[];
    const members = new Set(partitions.flatMap(([, owners, replicas]) => [...owners, ...replicas]));
    for (const [address, connection] of this.#connections) {
      if (members.has(address)) continue;
      // A connection to a member that has left the cluster would try to reconnect for ever.
      this.#connections.delete(address);
      void connection.then(
        (member) => member.disconnect(),
        () => undefined,
      );
    }
    return partitions;
  }

  /** Returns a connection to the member, opened by the first command that needs it. */
  #at(address: string): Promise<Redis> {
    const known = this.#connections.get(address);
    if (known !== undefined) return known;
    const target = new URL(this.#url);
    target.host = address;
    const opened = connectOlric(target.href);
    this.#connections.set(address, opened);
    opened.catch(() => {
      if (this.#connections.get(address) === opened) this.#connections.delete(address);
    });
    return opened;
  }
}
