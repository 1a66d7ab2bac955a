/**
 * Blobs whose bytes are being deleted right now: who puts the same bytes meanwhile waits for the
 * end of it.
 */
export const blobDeletions = `
create table blob_deletions (
  cid text not null primary key,
  token text not null,
  started_at integer not null
) strict, without rowid
`;
