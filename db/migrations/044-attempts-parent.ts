/** The invocation that published, enqueued or was replayed into this one. */
export const attemptsParent = `
alter table attempts add column parent_id text
`;
