/** For invocations of HTTP functions: status and headers set with `http_respond`, as JSON text. */
export const attemptsResponse = `
alter table attempts add column response text
`;
