import type { Namespace } from '../contract/ids.js';
import type { Closable } from './closable.js';

export interface PresenceMember {
  member_id: string;
  joined_at: string;
  meta: unknown;
}

/**
 * Who is on a topic right now, over all web processes. Entries are leases: a process that dies takes its members
 * with it within 30 s.
 */
export interface Presence extends Closable {
  readonly driver: string;
  /** Adds or renews a subscriber's lease; `member` is null for a subscriber that does not show itself. */
  touch(
    namespace: Namespace,
    topic: string,
    connectionId: string,
    member: PresenceMember | null,
  ): Promise<void>;
  leave(namespace: Namespace, topic: string, connectionId: string): Promise<void>;
  members(namespace: Namespace, topic: string): Promise<PresenceMember[]>;
  /** Topics with at least one live subscriber. */
  topics(namespace: Namespace): Promise<string[]>;
}
