/** For invocations of HTTP functions: the matched route; empty for the function's own address. */
export const attemptsRoute = `
alter table attempts add column route text
`;
