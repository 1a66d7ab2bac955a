/** The size of the body, which the queue holds until the callback has ended. */
export const callbacksBytes = `
alter table callbacks add column bytes integer not null default 0
`;
