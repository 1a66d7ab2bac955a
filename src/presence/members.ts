import type { OwnedMember, PresenceMember } from '../ports/presence.js';

/** Returns one entry per member, that of its earliest connection. Oldest first. */
export function distinctMembers(entries: Iterable<OwnedMember>): PresenceMember[] {
  const byId = new Map<string, PresenceMember>();
  for (const { owner: _, ...entry } of entries) {
    const known = byId.get(entry.member_id);
    if (known === undefined || entry.joined_at < known.joined_at) byId.set(entry.member_id, entry);
  }
  return [...byId.values()].sort(
    (a, b) => compare(a.joined_at, b.joined_at) || compare(a.member_id, b.member_id),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
