import type { Namespace } from '../contract/ids.js';
import type { Closable } from './closable.js';

export interface PresenceMember {
  member_id: string;
  joined_at: string;
  meta: unknown;
}

/** A member with the credential that owns it, which is never exposed. */
export interface OwnedMember extends PresenceMember {
  owner: string;
}

/**
 * The members of topics across all web processes. Entries are leases: the members of a process that
 * dies disappear within 30 s. All methods throw `unavailable` if the server does not answer.
 */
export interface Presence extends Closable {
  /** How long a subscriber stays present without renewing its lease, in milliseconds. */
  readonly leaseMs: number;
  /**
   * Adds a subscriber or renews its lease; `member` is null for a subscriber without presence.
   * Resolves with false, without any change, if another owner already has a member with that id.
   */
  touch(
    namespace: Namespace,
    topic: string,
    connectionId: string,
    member: OwnedMember | null,
  ): Promise<boolean>;
  /** Removes a subscriber; one that is not there is no error. */
  leave(namespace: Namespace, topic: string, connectionId: string): Promise<void>;
  /** Lists each member once, with its earliest connection; the oldest first. */
  members(namespace: Namespace, topic: string): Promise<PresenceMember[]>;
  /** Returns whether a connection of this member is on the topic. Does not read other members. */
  isMember(namespace: Namespace, topic: string, memberId: string): Promise<boolean>;
  /** Lists the id of each member once, in no particular order. Does not read their metadata. */
  memberIds(namespace: Namespace, topic: string): Promise<string[]>;
  /** Lists topics with at least one live subscriber. */
  topics(namespace: Namespace): Promise<string[]>;
}
