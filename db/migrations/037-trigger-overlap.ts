/** `skip`: a schedule's tick does not fire while the run before it goes on. Null: `allow`. */
export const triggerOverlap = `alter table triggers add column overlap text`;
