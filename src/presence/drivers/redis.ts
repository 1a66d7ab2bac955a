import type { Namespace } from '../../contract/ids.js';
import type { OwnedMember, Presence } from '../../ports/presence.js';
import { unavailable } from '../../redis/connection.js';
import { RedisScript, readLua } from '../../redis/script.js';
import { connectRedis } from '../../redis/server.js';
import { distinctMembers } from '../members.js';

export interface RedisPresenceOptions {
  url: string;
  leaseMs: number;
}

/**
 * Opens the presence list of all processes on Redis. A topic has a sorted set of connections by the
 * expiry of their lease and a hash of their member data; a namespace has a sorted set of its
 * topics. All times come from the Redis server, so that the clocks of the processes need not be
 * synchronized.
 */
export async function openRedisPresence({ url, leaseMs }: RedisPresenceOptions): Promise<Presence> {
  const redis = await connectRedis(url, 'REDIS_URL');
  const scriptOf = (file: string) => new RedisScript(readLua(import.meta.url, file));
  const touch = scriptOf('touch-4');
  const leave = scriptOf('leave-4');
  const members = scriptOf('members-4');
  const isMember = scriptOf('is-member-4');
  const memberIds = scriptOf('member-ids-4');
  const topics = scriptOf('topics-4');

  async function run(script: RedisScript, namespace: Namespace, topic: string, ...args: (string | number)[]) {
    // The hash tag places all keys of a namespace on one node of a cluster. A namespace contains no
    // braces.
    const base = `orama:presence:{${namespace}}`;
    const keys = [
      `${base}:topics`,
      `${base}:leases:${topic}`,
      `${base}:members:${topic}`,
      `${base}:owners:${topic}`,
    ];
    try {
      return await script.run(redis, keys, [topic, ...args]);
    } catch (error) {
      throw unavailable('presence list', error);
    }
  }

  return {
    leaseMs,

    async touch(namespace, topic, connectionId, member) {
      const shown = member === null ? '' : JSON.stringify(member);
      const names = member === null ? [] : [member.member_id, member.owner];
      return (await run(touch, namespace, topic, connectionId, leaseMs, shown, ...names)) === 1;
    },

    async leave(namespace, topic, connectionId) {
      await run(leave, namespace, topic, connectionId);
    },

    async members(namespace, topic) {
      const entries = (await run(members, namespace, topic)) as string[];
      return distinctMembers(entries.map((entry) => JSON.parse(entry) as OwnedMember));
    },

    async isMember(namespace, topic, memberId) {
      return (await run(isMember, namespace, topic, memberId)) === 1;
    },

    async memberIds(namespace, topic) {
      return (await run(memberIds, namespace, topic)) as string[];
    },

    async topics(namespace) {
      return (await run(topics, namespace, '')) as string[];
    },

    async close() {
      redis.disconnect();
    },
  };
}
