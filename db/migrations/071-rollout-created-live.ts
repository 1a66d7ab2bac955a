/** Whether the rollout made the alias `live`, which is removed when the rollout goes back. */
export const rolloutCreatedLive = `
alter table rollouts add column created_live integer not null default 0
`;
