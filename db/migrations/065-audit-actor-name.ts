/** The name of the key in `actor`, kept here because a revoked key is deleted with its name. */
export const auditActorName = `
alter table audit_events add column actor_name text
`;
