/** The Git commit from which a version was built, with `-dirty` if there were uncommitted changes. */
export const functionVersionCommit = `
alter table function_versions add column git_commit text
`;
