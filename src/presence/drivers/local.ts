import type { Namespace } from '../../contract/ids.js';
import type { OwnedMember, Presence } from '../../ports/presence.js';
import { distinctMembers } from '../members.js';

export interface LocalPresenceOptions {
  leaseMs: number;
}

interface Lease {
  member: OwnedMember | null;
  expiresAt: number;
}

/** Opens the presence list of a single process. */
export async function openLocalPresence({ leaseMs }: LocalPresenceOptions): Promise<Presence> {
  const namespaces = new Map<Namespace, Map<string, LocalTopic>>();

  /**
   * Runs the work on a topic without its expired leases, and forgets the topic if it is empty then.
   */
  function on<T>(namespace: Namespace, name: string, work: (topic: LocalTopic) => T): T {
    const topics = namespaces.get(namespace) ?? new Map<string, LocalTopic>();
    const topic = topics.get(name) ?? new LocalTopic();
    topic.dropExpired();
    const result = work(topic);
    if (topic.size > 0) topics.set(name, topic);
    else topics.delete(name);
    if (topics.size > 0) namespaces.set(namespace, topics);
    else namespaces.delete(namespace);
    return result;
  }

  return {
    leaseMs,

    async touch(namespace, name, connectionId, member) {
      return on(namespace, name, (topic) => topic.touch(connectionId, member, leaseMs));
    },

    async leave(namespace, name, connectionId) {
      on(namespace, name, (topic) => topic.drop(connectionId));
    },

    async members(namespace, name) {
      return on(namespace, name, (topic) => distinctMembers(topic.members()));
    },

    async isMember(namespace, name, memberId) {
      return on(namespace, name, (topic) => topic.memberIds.has(memberId));
    },

    async memberIds(namespace, name) {
      return on(namespace, name, (topic) => [...topic.memberIds.keys()]);
    },

    async topics(namespace) {
      const known = [...(namespaces.get(namespace)?.keys() ?? [])];
      return known.filter((name) => on(namespace, name, (topic) => topic.size > 0));
    },

    async close() {
      namespaces.clear();
    },
  };
}

/** The connections of a topic. Renewing a lease takes the same time with any number of them. */
class LocalTopic {
  /** By connection, in the order of their expiry: each renewal moves a lease to the end. */
  readonly #leases = new Map<string, Lease>();
  /** By member id. */
  readonly #owners = new Map<string, { owner: string; connections: number }>();

  get size(): number {
    return this.#leases.size;
  }

  get memberIds(): Pick<ReadonlyMap<string, unknown>, 'has' | 'keys'> {
    return this.#owners;
  }

  /** Returns false, without any change, if another owner already has a member with that id. */
  touch(connectionId: string, member: OwnedMember | null, leaseMs: number): boolean {
    if (member !== null) {
      const held = this.#owners.get(member.member_id);
      if (held !== undefined && held.owner !== member.owner) return false;
    }
    this.drop(connectionId);
    this.#leases.set(connectionId, { member, expiresAt: performance.now() + leaseMs });
    if (member !== null) {
      const connections = this.#owners.get(member.member_id)?.connections ?? 0;
      this.#owners.set(member.member_id, { owner: member.owner, connections: connections + 1 });
    }
    return true;
  }

  drop(connectionId: string): void {
    const member = this.#leases.get(connectionId)?.member;
    this.#leases.delete(connectionId);
    const held = member ? this.#owners.get(member.member_id) : undefined;
    if (!member || held === undefined) return;
    if (held.connections > 1) held.connections -= 1;
    else this.#owners.delete(member.member_id);
  }

  dropExpired(): void {
    const now = performance.now();
    for (const [connectionId, { expiresAt }] of this.#leases) {
      if (expiresAt > now) return;
      this.drop(connectionId);
    }
  }

  *members(): Generator<OwnedMember> {
    for (const { member } of this.#leases.values()) if (member !== null) yield member;
  }
}
