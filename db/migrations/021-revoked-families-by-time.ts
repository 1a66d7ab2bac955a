/** For listing recent revocations. */
export const revokedFamiliesByTime = `
create index revoked_families_by_time on revoked_families (revoked_at)
`;
