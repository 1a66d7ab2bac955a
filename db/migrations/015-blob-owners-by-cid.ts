/** For the question whether a blob may be unpinned. */
export const blobOwnersByCid = `
create index blob_owners_by_cid on blob_owners (cid)
`;
