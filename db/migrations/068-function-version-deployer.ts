/** The name of the key in `created_by`, which may have been revoked since. */
export const functionVersionDeployer = `
alter table function_versions add column created_by_name text
`;
