import type { Namespace } from '../contract/ids.js';
import type { Closable } from './closable.js';

export interface PresenceMember {
  member_id: string;
  joined_at: string;
  meta: unknown;
}

/** A member with whose credential it is; nobody is shown that. */
export interface OwnedMember extends PresenceMember {
  owner: string;
}

/**
 * Who is on a topic right now, over all web processes. Entries are leases: a process that dies
 * takes its members with it within 30 s.
 */
export interface Presence extends Closable {
  readonly driver: string;
  /** How long a subscriber is there without renewing its lease. */
  readonly leaseMs: number;
  /**
   * Adds or renews a subscriber's lease; `member` is null for a subscriber that does not show
   * itself. False, and nothing has changed, while another owner has a member of that id there.
   */
  touch(
    namespace: Namespace,
    topic: string,
    connectionId: string,
    member: OwnedMember | null,
  ): Promise<boolean>;
  leave(namespace: Namespace, topic: string, connectionId: string): Promise<void>;
  members(namespace: Namespace, topic: string): Promise<PresenceMember[]>;
  /** Topics with at least one live subscriber. */
  topics(namespace: Namespace): Promise<string[]>;
}
