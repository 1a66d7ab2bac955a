import { sample } from 'openapi-sampler';

type Json = Record<string, unknown>;

const AT = '2026-01-31T12:00:00.000Z';
const ID = '0199c6a2-7f3e-7b1a-9c52-3d1e8f4a6b70';
const CID = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';

/** Example values by name of the property or parameter, used if they match its schema. */
const VALUES: Readonly<Record<string, unknown>> = {
  access_token: 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJrZXk6Li4uIn0.c2lnbmF0dXJl',
  actor: 'key:0199c6a2',
  actor_name: 'ci',
  alias: 'live',
  allowed_hosts: ['api.example.com'],
  api_key: 'ak_4f9c2b7d1e:default',
  at: AT,
  callback: null,
  callback_secret: 'whsec_c2VjcmV0',
  cid: CID,
  code: 'invalid_request',
  completed_at: AT,
  count: 1,
  created_at: AT,
  created_by: 'key:0199c6a2',
  created_by_name: 'ci',
  cron: '*/5 * * * *',
  delivered_at: AT,
  driver: 'local',
  duration_ms: 1.84,
  error: null,
  expires_at: '2027-01-31T12:00:00Z',
  expires_in: 900,
  function: 'resize',
  functions: null,
  functions_url: 'http://127.0.0.1:4001',
  id: ID,
  idempotency: 'X-GitHub-Delivery',
  input: '{"name":"Ada"}',
  input_size: 14,
  last_error: null,
  last_used_at: AT,
  member_id: 'ada',
  memory_peak_mb: 3.2,
  message: 'Done.',
  message_id: ID,
  minute: AT,
  name: 'resize',
  namespace: 'default',
  next_cursor: null,
  next_run_at: AT,
  nonce: '9f2d4c7b1a',
  ns: 'default',
  oldest_waiting_s: 0,
  on_failure: 'images:failed',
  on_success: 'images:resized',
  origins: ['https://app.example.com'],
  output: '{"greeting":"Hello, Ada"}',
  output_size: 25,
  p50_ms: 1.2,
  p95_ms: 4.8,
  parent_id: null,
  percent: 25,
  reason: null,
  refresh_token: 'rt_5b1f0c9e7d',
  request_id: ID,
  secret: 'whsec_c2VjcmV0',
  started_at: AT,
  subject: 'key:0199c6a2',
  target: 'resize',
  timestamp: AT,
  timezone: 'Europe/Berlin',
  token: 'ct_8e1d7f0a2c',
  topic: 'orders:created',
  updated_at: AT,
  url: 'https://example.com/hook',
  version: 7,
  wallet: '0x52908400098527886e0f7030069857d2e4169ee7',
  warm_start_reason: null,
  git_commit: '3f2c1e8a9b7d4c5e6f708192a3b4c5d6e7f80912',
  wasm_cid: CID,
};

/** Returns an example value that matches the schema, for OpenAPI and the docs page. */
export function exampleOf(schema: Json): unknown {
  return sample(withValues(schema), { quiet: true });
}

/** Returns an example value of a parameter, by its name or else by its schema. */
export function exampleParameter(name: string, schema: Json): string {
  return String(VALUES[name] ?? exampleOf(schema));
}

/** Adds the known example values to the schema where their type matches. */
function withValues(schema: Json): Json {
  const changed: Json = { ...schema };
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'properties') changed.properties = mapValues(value as Record<string, Json>, propertyOf);
    else if (Array.isArray(value))
      changed[key] = value.map((each) => (isObject(each) ? withValues(each) : each));
    else if (isObject(value) && key !== 'examples') changed[key] = withValues(value);
  }
  return changed;
}

function propertyOf(name: string, schema: Json): Json {
  const own = withValues(schema);
  const value = VALUES[name];
  if (value === undefined || 'examples' in schema || 'const' in schema || 'enum' in schema) return own;
  return allows(schema, value) ? { ...own, examples: [value] } : own;
}

function allows(schema: Json, value: unknown): boolean {
  const either = (schema.anyOf ?? schema.oneOf) as Json[] | undefined;
  if (either) return either.some((each) => allows(each, value));
  const kind = value === null ? 'null' : typeof value;
  if (schema.type === 'integer') return Number.isInteger(value);
  if (Array.isArray(value)) return schema.type === 'array';
  return schema.type === kind && !('const' in schema) && !('enum' in schema);
}

function mapValues(
  values: Readonly<Record<string, Json>>,
  change: (name: string, value: Json) => Json,
): Record<string, Json> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(name, value)]));
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
