/** When the callback was delivered or given up; null while it waits. */
export const callbacksEnded = `
alter table callbacks add column ended_at integer
`;
