import { MB } from '../../src/contract/limits.js';
import type { QuotaRelevant } from '../../src/ports/store/functions.js';
import { listedSpecs } from './manifest-triggers.js';
import type { QuotaCheck } from './quota-check.js';
import { STORAGE_BYTES } from './quotas.js';

/**
 * Checks the quotas of a deploy. Each applies only if the deploy adds to its use, so that a lowered
 * limit does not block a deploy that adds nothing.
 */
const DEPLOY_CHECK = `
select over, case over when 'functions' then functions when 'versions_per_function' then versions
    when 'triggers' then triggers else bytes / 1048576.0 end as used,
  case over when 'functions' then maxFunctions when 'versions_per_function' then maxVersions
    when 'triggers' then maxTriggers else maxBytes / 1048576.0 end as quota
from (
  select *, case
    when functions >= maxFunctions and not live then 'functions'
    when versions >= maxVersions then 'versions_per_function'
    when triggersAfter > maxTriggers and triggersAfter > triggers then 'triggers'
    when bytes > maxBytes - newBytes and not stored then 'storage_mb'
    end as over
  from (
    select ? as maxFunctions, ? as maxVersions, ? as maxTriggers, ? as maxBytes, ? as newBytes,
      (select count(*) from functions where namespace = ? and deleted_at is null) as functions,
      exists (select 1 from functions where namespace = ? and name = ? and deleted_at is null) as live,
      (select count(*) from function_versions where namespace = ? and name = ?) as versions,
      (select count(*) from triggers where namespace = ?) as triggers,
      (select count(*) from triggers where namespace = ? and not (function = ? and (
        source = 'manifest' or spec in (select value from json_each(?))))) +
      (select count(distinct value) from json_each(?)) as triggersAfter,
      ${STORAGE_BYTES} as bytes,
      exists (select 1 from function_versions where namespace = ? and wasm_cid = ?) as stored))`;

/** Returns the quota check of a deploy. */
export function deployCheck({ namespace, settings, ...version }: QuotaRelevant): QuotaCheck {
  const { limits, wasmCid, wasmBytes = 0 } = version;
  const { name, metadata } = settings;
  const listed = listedSpecs(metadata.triggers);
  return {
    namespace,
    sql: DEPLOY_CHECK,
    bindings: [
      ...[limits.functions, limits.versions_per_function, limits.triggers, limits.storage_mb * MB, wasmBytes],
      ...[namespace, namespace, name, namespace, name, namespace, namespace, name, listed, listed],
      ...[namespace, namespace, namespace, wasmCid],
    ],
  };
}
