/** `none`: a tick that was missed while all processes were down does not fire. Null: `one`. */
export const triggerCatchUp = `alter table triggers add column catch_up text`;
