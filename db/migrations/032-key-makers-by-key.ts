/** Finds the makers of a key that creates another key. */
export const keyMakersByKey = `
create index key_makers_by_key on key_makers (key_id)
`;
