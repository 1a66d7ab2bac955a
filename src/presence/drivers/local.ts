import type { Namespace } from '../../contract/ids.js';
import type { OwnedMember, Presence } from '../../ports/presence.js';
import { distinctMembers } from '../members.js';

export interface LocalPresenceOptions {
  leaseMs: number;
}

interface MemberLease {
  member: OwnedMember | null;
  expiresAt: number;
}

/** Opens the presence list of a single process. */
export async function openLocalPresence({ leaseMs }: LocalPresenceOptions): Promise<Presence> {
  const namespaces = new Map<string, Map<string, Map<string, MemberLease>>>();

  /** Returns the live connections of a topic and removes those with an expired lease. */
  function live(namespace: Namespace, topic: string): Map<string, MemberLease> {
    const topics = namespaces.get(namespace);
    const connections = topics?.get(topic);
    if (topics === undefined || connections === undefined) return new Map();
    const now = performance.now();
    for (const [id, held] of connections) if (held.expiresAt <= now) connections.delete(id);
    if (connections.size === 0) topics.delete(topic);
    if (topics.size === 0) namespaces.delete(namespace);
    return connections;
  }

  return {
    leaseMs,

    async touch(namespace, topic, connectionId, member) {
      const connections = live(namespace, topic);
      for (const held of connections.values()) {
        const isSame = member !== null && held.member?.member_id === member.member_id;
        if (isSame && held.member?.owner !== member.owner) return false;
      }
      connections.set(connectionId, { member, expiresAt: performance.now() + leaseMs });
      const topics = namespaces.get(namespace) ?? new Map<string, Map<string, MemberLease>>();
      topics.set(topic, connections);
      namespaces.set(namespace, topics);
      return true;
    },

    async leave(namespace, topic, connectionId) {
      live(namespace, topic).delete(connectionId);
      live(namespace, topic);
    },

    async members(namespace, topic) {
      const held = [...live(namespace, topic).values()];
      return distinctMembers(held.flatMap(({ member }) => (member === null ? [] : [member])));
    },

    async topics(namespace) {
      const known = [...(namespaces.get(namespace)?.keys() ?? [])];
      return known.filter((topic) => live(namespace, topic).size > 0);
    },

    async close() {
      namespaces.clear();
    },
  };
}
