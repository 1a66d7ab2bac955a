/** The invocation that published, enqueued or replayed this one. */
export const attemptsParent = `
alter table attempts add column parent_id text
`;
