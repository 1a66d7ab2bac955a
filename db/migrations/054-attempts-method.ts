/** For invocations of HTTP functions: the HTTP method. */
export const attemptsMethod = `
alter table attempts add column method text
`;
