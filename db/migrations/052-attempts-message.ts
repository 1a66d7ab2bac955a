/** The message that triggered this invocation, which groups the invocations of one message. */
export const attemptsMessage = `
alter table attempts add column message_id text
`;
