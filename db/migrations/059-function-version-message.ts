/** A description of the version's changes, given at deploy. */
export const functionVersionMessage = `
alter table function_versions add column message text
`;
