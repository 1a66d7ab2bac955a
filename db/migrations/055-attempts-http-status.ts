/** Of what came to an HTTP function: the status that its client was answered with. */
export const attemptsHttpStatus = `
alter table attempts add column http_status integer
`;
