import { createHmac } from 'node:crypto';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Api } from '../helpers/api.js';
import { type CliRun, runCli } from '../helpers/cli.js';
import { COMPILERS } from '../helpers/compilers.js';
import { startEngine } from '../helpers/running-engine.js';
import { copyShop } from '../helpers/shop.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const home = tempDir();
const shop = copyShop(home);
const NAMES = ['orders', 'payments', 'receipts', 'report', 'stock'];
const run = COMPILERS.go?.found ? test.serial : test.serial.skip;

interface Report {
  dry_run: boolean;
  functions: { name: string; action: string; version: number | null; changes: { key: string }[] }[];
  removed: string[];
  not_in_project: string[];
}

let engine: Awaited<ReturnType<typeof startEngine>>;
let env: Record<string, string>;

test.before(async () => {
  engine = await startEngine();
  const admin = { ORAMA_URL: engine.url, ORAMA_API_KEY: engine.adminKey };
  const key = async (namespace: string, scopes: string) => {
    const made = await runCli(['keys', 'create', 'ci', '--namespace', namespace, '--scopes', scopes], {
      home,
      env: admin,
    });
    return made.stdout.trim();
  };
  const variables = {
    STAGING_URL: engine.url,
    ORAMA_API_KEY_STAGING: await key('shop-staging', 'deploy,read,secrets'),
    // The permissions of a pipeline: deploy, but neither invoke nor set secrets.
    ORAMA_API_KEY_PRODUCTION: await key('shop', 'deploy,read'),
  };
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(shop, '.env'), lines.join(''));
  env = { PRODUCTION_URL: engine.url, GOFLAGS: '-mod=mod', GOPROXY: 'off' };
});
test.after.always(() => engine?.close());

const orama = (...args: string[]) => runCli(args, { home, cwd: shop, env });

async function report(t: ExecutionContext, ...args: string[]): Promise<Report> {
  const done = await orama('deploy', '--json', ...args);
  t.is(done.code, 0, done.stderr);
  return JSON.parse(done.stdout);
}

const actions = ({ functions }: Report) => functions.map(({ name, action }) => `${name} ${action}`);
const all = (action: string) => NAMES.map((name) => `${name} ${action}`);

run(
  'deploy --dry-run builds and checks the project, reports the planned actions and deploys nothing',
  async (t) => {
    const planned = await report(t, '--stage', 'staging', '--dry-run');
    t.true(planned.dry_run);
    t.deepEqual(actions(planned), all('create'));
    // Again with the existing builds: nothing was deployed.
    t.deepEqual(actions(await report(t, '--stage', 'staging', '--dry-run', '--no-build')), all('create'));
  },
);

run('a project is deployed to two stages, each with its own settings and data', async (t) => {
  t.deepEqual(actions(await report(t, '--stage', 'staging')), all('create'));
  t.deepEqual(actions(await report(t, '--stage', 'production', '--no-build')), all('create'));
  t.deepEqual((await settings('shop-staging', 'report')).metadata.triggers, [{ cron: '0 6 * * 1' }]);
  t.deepEqual((await settings('shop', 'report')).metadata.triggers, [
    { cron: '0 6 * * *', timezone: 'Europe/Berlin' },
  ]);
  t.like(await settings('shop', 'stock'), { memory_limit_mb: 64, metadata: { concurrency: 20 } });
  t.like(await settings('shop-staging', 'stock'), { memory_limit_mb: 32 });
  t.is((await settings('shop', 'receipts')).metadata.env.SENDER, 'orders@shop.example');

  const shopAt = `${engine.functionsUrl}/shop-staging`;
  const placed = await fetch(`${shopAt}/orders`, {
    method: 'POST',
    body: JSON.stringify({ item: 'book', count: 2 }),
  });
  t.is(placed.status, 201);
  const { id } = (await placed.json()) as { id: string };
  const body = JSON.stringify({ order: id });
  const pay = (signature: string) =>
    fetch(`${shopAt}/hooks/payments`, { method: 'POST', body, headers: { 'X-Signature': signature } });
  t.is((await pay('00')).status, 401);
  t.is((await pay(createHmac('sha256', 'whsec').update(body).digest('hex'))).status, 204);
  await until('the order is paid', async () => {
    const order = (await (await fetch(`${shopAt}/orders/${id}`)).json()) as { paid: number };
    return order.paid === 1;
  });
  // Stages share no data.
  t.is((await fetch(`${engine.functionsUrl}/shop/orders/${id}`)).status, 404);
});

run('deploy changes only the functions that differ, and reports the differences', async (t) => {
  t.deepEqual(actions(await report(t, '--stage', 'staging')), all('none'));
  const file = join(shop, 'functions', 'stock', 'function.yaml');
  const before = readFileSync(file, 'utf8');
  t.teardown(() => writeFileSync(file, before));
  writeFileSync(file, before.replace('memory: 32', 'memory: 48'));

  const said = await orama('deploy', '--stage', 'staging', '--dry-run', '--no-build');
  t.is(said.code, 0, said.stderr);
  t.regex(said.stdout, /^~ stock +differs from version 1\n {4}memory {2}32 → 48$/m);
  t.regex(said.stdout, /^= orders +unchanged \(version 1\)$/m);
  t.regex(said.stdout, /^Dry run: 1 to deploy, 4 unchanged; nothing was changed$/m);
  const done = await report(t, 'stock', '--stage', 'staging', '--no-build');
  t.deepEqual(
    done.functions.map(({ name, version }) => [name, version]),
    [['stock', 2]],
  );
});

run('deploy changes no function if one of them does not build or is refused by the engine', async (t) => {
  const broken = join(shop, 'functions', 'orders', 'index.ts');
  const source = readFileSync(broken, 'utf8');
  appendFileSync(join(shop, 'functions', 'report', 'index.ts'), '\nconsole.info("changed");\n');
  writeFileSync(broken, 'export default {');
  const unbuilt = await orama('deploy', '--stage', 'staging');
  writeFileSync(broken, source);
  t.is(unbuilt.code, 1);
  t.regex(unbuilt.stderr, /^error: orders: .*index\.ts:1/m);

  // It builds, but the engine refuses it: its memory is larger than its limit.
  const file = join(shop, 'functions', 'stock', 'function.yaml');
  const before = readFileSync(file, 'utf8');
  writeFileSync(file, before.replace('memory: 32', 'memory: 1'));
  const refused = await orama('deploy', '--stage', 'staging');
  writeFileSync(file, before);
  t.is(refused.code, 1);
  t.regex(refused.stderr, /stock: .*memory/);
  const changed = await report(t, '--stage', 'staging', '--dry-run', '--no-build');
  t.deepEqual(
    changed.functions.filter(({ action }) => action !== 'none').map(({ name, version }) => [name, version]),
    [
      ['report', 1],
      ['stock', 2],
    ],
  );
});

run('the commands of docs/ci.md deploy with a key that has only the scopes deploy and read', async (t) => {
  const blocks = readFileSync('docs/ci.md', 'utf8').match(/```yaml\n[\s\S]*?```/g) ?? [];
  t.is(blocks.length, 2);
  const key = keyOf('shop');
  for (const block of blocks) {
    const commands = [...block.matchAll(/(?:run:|-) (orama .+)$/gm)].map(([, command = '']) => command);
    t.is(commands.length, 2);
    for (const command of commands) {
      const [, ...args] = command.split(' ');
      const done = await runCli(args, { home, cwd: shop, env: { ...env, ORAMA_API_KEY: key } });
      t.is(done.code, 0, done.stderr);
      t.regex(done.stdout, /^Stage production, on http/);
    }
  }
});

run(
  'a secrets_file with a secret that the engine would refuse is refused before any is stored',
  async (t) => {
    const file = join(shop, 'secrets', 'staging.env');
    const text = readFileSync(file, 'utf8');
    const key = /^ORAMA_API_KEY_STAGING=(.+)$/m.exec(readFileSync(join(shop, '.env'), 'utf8'))?.[1];
    const stored = () => new Api(engine.url, key).get('/v1/functions/secrets');
    const before = await stored();
    t.is(before.json.count, 2, before.text);
    for (const [line, reason] of [
      ['bad name=1', /bad name/],
      [`LARGE=${'x'.repeat(65_537)}`, /LARGE.*65537 bytes/],
    ] as const) {
      writeFileSync(file, `NEW=1\n${text}\n${line}\n`);
      const refused = await orama('deploy', '--stage', 'staging', '--dry-run', '--no-build');
      t.is(refused.code, 1, refused.stdout);
      t.regex(refused.stderr, /staging\.env/);
      t.regex(refused.stderr, reason);
      t.is((await orama('deploy', '--stage', 'staging', '--no-build')).code, 1);
    }
    writeFileSync(file, text);
    t.deepEqual((await stored()).json, before.json);
  },
);

run('only --prune removes functions that the project does not contain, in the given stage', async (t) => {
  rmSync(join(shop, 'functions', 'report'), { recursive: true });
  t.deepEqual((await report(t, '--stage', 'staging', '--no-build')).not_in_project, ['report']);
  const misused = await orama('deploy', 'stock', '--stage', 'staging', '--prune');
  t.is(misused.code, 2, misused.stderr);
  t.regex(misused.stderr, /^error: .*name no functions/);
  t.deepEqual((await report(t, '--stage', 'staging', '--no-build', '--prune')).removed, ['report']);
  const left = await report(t, '--stage', 'staging', '--dry-run', '--no-build');
  t.deepEqual(left.not_in_project, []);
  // The other stage still has it.
  t.is((await settings('shop', 'report')).metadata.triggers.length, 1);
});

run('deploy reports unknown stages, unknown functions and missing variables', async (t) => {
  failed(t, await orama('deploy', '--stage', 'stagin'), /no stage "stagin"; it has dev, staging, production/);
  failed(
    t,
    await orama('deploy', 'odrers', '--stage', 'staging'),
    /no function "odrers"; did you mean "orders"/,
  );
  env = { ...env, PRODUCTION_URL: '' };
  failed(
    t,
    await orama('deploy', '--stage', 'production'),
    /stages\.production\.url needs the variable PRODUCTION_URL/,
  );
});

function failed(t: ExecutionContext, { code, stderr }: CliRun, sentence: RegExp): void {
  t.is(code, 1, stderr);
  t.regex(stderr, sentence);
}

interface Settings {
  memory_limit_mb: number;
  metadata: { env: Record<string, string>; triggers: unknown[]; concurrency?: number };
}

async function settings(namespace: string, name: string): Promise<Settings> {
  const key = keyOf(namespace);
  const response = await fetch(`${engine.url}/v1/functions/${name}/settings`, {
    headers: { 'X-API-Key': key },
  });
  return ((await response.json()) as { settings: Settings }).settings;
}

function keyOf(namespace: string): string {
  const keys = readFileSync(join(shop, '.env'), 'utf8');
  return new RegExp(`=(ak_[^:]+:${namespace})$`, 'm').exec(keys)?.[1] ?? '';
}
