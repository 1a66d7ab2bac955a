/** `none`: a tick that was missed while no process was running does not fire. Null: `one`. */
export const triggerCatchUp = `alter table triggers add column catch_up text`;
