/** The owners of blobs: knowing a CID does not grant access. */
export const blobOwners = `
create table blob_owners (
  namespace text not null,
  cid text not null,
  name text not null,
  size integer not null,
  created_at integer not null,
  primary key (namespace, cid)
) strict, without rowid
`;
