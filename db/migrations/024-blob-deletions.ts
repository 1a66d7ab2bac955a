/**
 * Blobs whose bytes are currently being deleted: a put of the same bytes waits until the deletion
 * has ended.
 */
export const blobDeletions = `
create table blob_deletions (
  cid text not null primary key,
  token text not null,
  started_at integer not null
) strict, without rowid
`;
