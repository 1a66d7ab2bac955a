/** Of what came to an HTTP function: the method it was called with. */
export const attemptsMethod = `
alter table attempts add column method text
`;
