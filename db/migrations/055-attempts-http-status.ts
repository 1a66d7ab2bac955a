/** For invocations of HTTP functions: the status of the response. */
export const attemptsHttpStatus = `
alter table attempts add column http_status integer
`;
