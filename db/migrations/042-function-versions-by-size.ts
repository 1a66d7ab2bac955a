/**
 * For the storage used by the modules of a namespace: each CID counts once, and no rows are read.
 */
export const functionVersionsBySize = `
create index function_versions_by_size on function_versions (namespace, wasm_cid, wasm_bytes)
`;
