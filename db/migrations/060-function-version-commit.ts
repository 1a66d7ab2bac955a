/** The commit that a version was built from, with `-dirty` where the sources had changes. */
export const functionVersionCommit = `
alter table function_versions add column git_commit text
`;
