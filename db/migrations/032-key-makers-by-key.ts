/** For the makers of a key that makes another. */
export const keyMakersByKey = `
create index key_makers_by_key on key_makers (key_id)
`;
