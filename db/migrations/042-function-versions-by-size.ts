/** For the storage that the modules of a namespace take: a CID counts once, and no row is read. */
export const functionVersionsBySize = `
create index function_versions_by_size on function_versions (namespace, wasm_cid, wasm_bytes)
`;
