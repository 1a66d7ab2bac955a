/** What changed with a version, as whoever deployed it says. */
export const functionVersionMessage = `
alter table function_versions add column message text
`;
