/** For deleting expired events. */
export const auditEventsByTime = `
create index audit_events_by_time on audit_events (at)
`;
