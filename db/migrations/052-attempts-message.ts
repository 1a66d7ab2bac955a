/** The message that fired this one: what has been published together is found together. */
export const attemptsMessage = `
alter table attempts add column message_id text
`;
