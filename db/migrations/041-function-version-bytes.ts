/** Size of a version's module, for the storage quota; 0 for versions from before there was one. */
export const functionVersionBytes = `
alter table function_versions add column wasm_bytes integer not null default 0
`;
