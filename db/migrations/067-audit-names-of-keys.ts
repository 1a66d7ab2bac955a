/** Adds the names of existing keys to entries that were written before names were stored. */
export const auditNamesOfKeys = `
update audit_events set
  actor_name = (select name from api_keys where id = substr(actor, 5)),
  target_name = iif(action like 'key.%', (select name from api_keys where id = target), null)
where actor like 'key:%' or action like 'key.%'
`;
