/**
 * The size of a version's module in bytes, for the storage quota; 0 for versions that predate it.
 */
export const functionVersionBytes = `
alter table function_versions add column wasm_bytes integer not null default 0
`;
