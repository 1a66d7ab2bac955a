export interface Topic {
  about: string;
  text: string;
}

/** Texts of `orama help <topic>`: summaries of the guides in docs/. */
export const TOPICS: Readonly<Record<string, Topic>> = {
  functions: {
    about: 'functions and what they can use',
    text: `A function is a directory with source and function.yaml, compiled to one WASI module, function.wasm.
Each invocation is a fresh instance: stdin is the input (at most 1 MB), stdout the output, stderr
the log. Exit code 0 is success; 64 to 78 refuses the input and is not retried.

  orama function init hello        makes one (--lang, --template)
  orama function deploy hello      builds it where its source is newer, and makes a version
  orama function invoke hello      runs it
  orama function dev hello         builds and deploys it at every change

function.yaml, with the defaults:

  name: hello            # required
  memory: 64             # MB, 1 to 256
  timeout: 30            # seconds, 1 to 300
  public: false          # true: anybody may invoke it
  retry: {count: 0, delay: 5, backoff: fixed}
  env: {}                # read with get_env
  triggers: []           # {topic: "photos:*"} or {cron: "0 3 * * *", timezone: UTC}

Further, on a running engine: /docs/guide/functions.html, /docs/guide/javascript.html.`,
  },
  http: {
    about: 'functions that answer HTTP requests: routes, webhooks, CORS',
    text: `A function whose function.yaml has "http" is reached by any HTTP client, at the address that
"orama status" shows as functions_url, followed by namespace and name.

  http:
    methods: [GET, POST]
    auth: none                       # or key: a credential with the scope invoke
    mode: sync                       # async: 202 as soon as the job is durable
    routes: ["GET /users/{id}"]
    verify: {scheme: github, secret: GITHUB_SECRET}

  orama function invoke --http 'GET /users/7'

Further, on a running engine: /docs/guide/http-functions.html.`,
  },
  delivery: {
    about: 'jobs, retries, dead letters, idempotency',
    text: `Every invocation is a job on a persistent queue, whatever starts it. What is acknowledged survives
the death of any process, and is run at least once. Attempts are 1 + retry.count.

A sync call answers with its result. What nobody waited for (async calls, events, schedules,
replays) and fails for good is dead: kept with its input, to be run again.

  orama function invoke hello --async --idempotency-key order-17
  orama invocations list --status running
  orama invocations cancel <request-id>
  orama function dead list hello
  orama function dead replay hello --newest

Further, on a running engine: /docs/guide/delivery.html.`,
  },
  events: {
    about: 'topics, schedules, and what they trigger',
    text: `A trigger fires a function by a topic or a schedule. Topic patterns: exact, * for one segment
between colons, > for the rest. Triggers of function.yaml are replaced by each deploy.

  orama function triggers add resize --topic 'photos:*'
  orama function triggers add nightly --cron '0 3 * * *' --timezone Europe/Berlin
  orama function publish photos:new --data '{"id":7}'
  orama function triggers list resize

Further, on a running engine: /docs/guide/delivery.html.`,
  },
  rollouts: {
    about: 'versions, aliases, weights, and rollouts with automatic rollback',
    text: `Every deploy makes a version. An alias names one, or splits calls over several by weight; calls
without a version go to the alias "live" where there is one, else to the newest version.

  orama function versions hello
  orama function alias set hello live 7 --weight 8=10
  orama function rollout hello --to 8 --steps 5,25,50 --every 60s --max-errors 2%
  orama function rollback hello 7

Further, on a running engine: /docs/guide/rollouts.html.`,
  },
  keys: {
    about: 'credentials, scopes, quotas',
    text: `A key belongs to one namespace and may be limited to scopes, functions and a time. The scopes are
invoke, publish, read, deploy, secrets, data and keys; * is all. A key never has more than its maker,
and ends with it.

  orama keys create ci --scopes deploy,read --expires 90d
  orama keys list
  orama keys revoke <id>
  orama login --url https://functions.example.com
  orama namespaces usage

Address, key and namespace come from --url, --api-key, --namespace; else ORAMA_URL,
ORAMA_API_KEY, ORAMA_NAMESPACE; else "orama login"; else an engine on this machine.

Further, on a running engine: /docs/guide/security.html, /docs/guide/ci.html.`,
  },
  projects: {
    about: 'several functions and stages in one repository',
    text: `orama.yaml at the root of a repository names its functions and stages:

  functions: ["functions/*"]
  stages:
    staging: {url: "\${STAGING_URL}", namespace: shop-staging}
    production: {url: "\${PRODUCTION_URL}", namespace: shop, secrets_file: secrets/production.env}

  orama deploy --stage staging --dry-run   shows what differs from what runs there
  orama deploy --stage staging             builds and deploys that, all or none
  orama dev                                runs all of them on an engine of its own

Further, on a running engine: /docs/guide/projects.html.`,
  },
  output: {
    about: 'tables, JSON, NDJSON and exit codes, for scripts',
    text: `On a terminal there are tables, colours and progress; elsewhere lists are columns separated by tabs
without a header.

  --output table    aligned columns with a header, also in a pipe
  --output json     the reply of the API as one document; --json is the same
  --output ndjson   a list as one item a line

Exit codes: 0 done, 1 it failed (stderr says why and what to do), 2 wrong usage.

  orama completion bash|zsh|fish   completes commands, options and names

Further, on a running engine: /docs/guide/cli.html.`,
  },
};
