/** Examples by command (without `orama`). A test parses each of them. */
export const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  'function init': ['orama function init hello', 'orama init nightly --lang go --template cron'],
  'function build': ['orama function build', 'orama build functions/hello'],
  'function deploy': ['orama function deploy', 'orama function deploy functions/hello --no-build'],
  'function invoke': [
    `orama function invoke hello --data '{"name":"Ada"}'`,
    'orama invoke hello --data @input.json --async --delay 60',
    `orama invoke --http 'GET /users/7' -H 'Accept: text/html'`,
  ],
  'function list': ['orama function list', 'orama fn ls --output ndjson'],
  'function get': ['orama function get hello', 'orama fn get hello@3 --json'],
  'function delete': ['orama function delete hello', 'orama fn rm hello --force'],
  'function logs': ['orama function logs hello --follow', 'orama logs hello --since 1h --status error'],
  'function versions': ['orama function versions hello'],
  'function rollback': ['orama function rollback hello 3'],
  'function alias set': [
    'orama function alias set hello live 7',
    'orama fn alias set hello live 7 --weight 8=10',
  ],
  'function alias list': ['orama function alias list hello'],
  'function alias delete': ['orama function alias delete hello beta'],
  'function rollout start': [
    'orama function rollout hello --to 8 --steps 5,25,50 --every 60s --max-errors 2%',
    'orama fn rollout start hello --to 8 --max-p95 200',
  ],
  'function rollout status': ['orama function rollout status hello'],
  'function rollout abort': ['orama function rollout abort hello'],
  'function secrets set': [
    'orama function secrets set API_TOKEN --from-file token.txt',
    'orama fn secrets set API_TOKEN --from-file -',
  ],
  'function secrets list': ['orama function secrets list'],
  'function secrets delete': ['orama function secrets delete API_TOKEN'],
  'function triggers add': [
    `orama function triggers add resize --topic 'photos:*'`,
    `orama fn triggers add nightly --cron '0 3 * * *' --timezone Europe/Berlin`,
  ],
  'function triggers list': ['orama function triggers list resize'],
  'function triggers pause': ['orama function triggers pause resize 0199c5a0-0000-7000-8000-000000000009'],
  'function triggers resume': ['orama function triggers resume resize 0199c5a0-0000-7000-8000-000000000009'],
  'function triggers run': ['orama function triggers run nightly 0199c5a0-0000-7000-8000-000000000009'],
  'function triggers delete': ['orama function triggers delete resize 0199c5a0-0000-7000-8000-000000000009'],
  'function dead list': ['orama function dead list', 'orama fn dead ls resize --reason timeout --since 1d'],
  'function dead show': ['orama function dead show 0199c5a0-0000-7000-8000-000000000009'],
  'function dead replay': [
    'orama function dead replay resize --newest',
    'orama fn dead replay resize 0199c5a0-0000-7000-8000-000000000009 --data @mended.json',
  ],
  'function dead purge': ['orama function dead purge resize'],
  'function dev': ['orama function dev', 'orama fn dev functions/hello'],
  'function publish': [
    `orama function publish photos:new --data '{"id":7}'`,
    'orama fn publish orders --batch @orders.ndjson',
  ],
  'function pull': [
    'orama function pull 0199c5a0-0000-7000-8000-000000000009',
    'orama fn pull 0199c5a0-0000-7000-8000-000000000009 --trace --watch --source functions/hello',
  ],
  deploy: ['orama deploy --stage staging', 'orama deploy orders stock --stage staging --dry-run'],
  dev: ['orama dev', 'orama dev --port 0 --stage dev'],
  up: ['orama up', 'orama up --port 0 --data /var/lib/orama'],
  console: ['orama console'],
  login: ['orama login --url https://functions.example.com', 'orama login --api-key -'],
  'invocations list': [
    'orama invocations list --function resize --status running',
    'orama inv ls --since 10m --limit 500 --output ndjson',
  ],
  'invocations get': ['orama invocations get 0199c5a0-0000-7000-8000-000000000009'],
  'invocations cancel': ['orama invocations cancel 0199c5a0-0000-7000-8000-000000000009'],
  'invocations replay': [
    'orama invocations replay 0199c5a0-0000-7000-8000-000000000009',
    'orama inv replay 0199c5a0-0000-7000-8000-000000000009 --newest --data @input.json',
  ],
  'keys create': [
    `orama keys create ci --scopes deploy,read --functions 'hook-*' --expires 90d`,
    'orama keys create dashboard --scopes read',
  ],
  'keys list': ['orama keys list'],
  'keys revoke': ['orama keys revoke 0199c5a0-0000-7000-8000-000000000009'],
  audit: [
    'orama audit --since 1d',
    'orama audit --actor key:0199c5a0-0000-7000-8000-000000000009 --output ndjson',
  ],
  'namespaces usage': ['orama namespaces usage', 'orama namespaces usage --namespace shop'],
  'namespaces quota': [
    'orama namespaces quota waiting_jobs 1000 --namespace shop',
    'orama namespaces quota cache_mb default --namespace shop',
  ],
  status: ['orama status', 'orama status --json'],
  doctor: ['orama doctor', 'orama doctor --url https://functions.example.com --output json'],
  completion: [
    'source <(orama completion bash)',
    'orama completion fish > ~/.config/fish/completions/orama.fish',
  ],
  help: ['orama help', 'orama help delivery', 'orama help function invoke'],
  'admin rotate-secrets-key': ['orama admin rotate-secrets-key --data /var/lib/orama'],
};

/** Commands that also exist directly under `orama`. */
const SHORT = new Set(['init', 'build', 'invoke', 'logs']);

export function examplesOf(path: string): readonly string[] {
  return EXAMPLES[SHORT.has(path) ? `function ${path}` : path] ?? [];
}
