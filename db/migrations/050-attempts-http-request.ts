/**
 * What `http_request()` returned, as JSON text: a replay sends the same request again. Kept with
 * the input.
 */
export const attemptsHttpRequest = `
alter table attempts add column http_request text
`;
