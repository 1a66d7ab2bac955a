/** `skip`: a schedule's tick does not fire while the previous run has not ended. Null: `allow`. */
export const triggerOverlap = `alter table triggers add column overlap text`;
