/**
 * Of what came to an HTTP function: the route that matched, empty for the function's own address.
 */
export const attemptsRoute = `
alter table attempts add column route text
`;
