/**
 * What `http_request()` returned, as JSON text, so that a replay sends the same request. Kept as
 * long as the input.
 */
export const attemptsHttpRequest = `
alter table attempts add column http_request text
`;
