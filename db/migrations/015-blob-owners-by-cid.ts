/** Finds the owners of a blob before it is unpinned. */
export const blobOwnersByCid = `
create index blob_owners_by_cid on blob_owners (cid)
`;
