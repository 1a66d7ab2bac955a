/** For deleting what has been kept long enough. */
export const auditEventsByTime = `
create index audit_events_by_time on audit_events (at)
`;
