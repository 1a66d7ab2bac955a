import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { copyShop } from '../helpers/shop.js';
import { succeeds } from '../helpers/succeeds.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const home = tempDir();

test('orama dev runs a project on its own engine, deploys changed functions and survives build errors', async (t) => {
  t.timeout(300_000);
  const shop = copyShop(home);
  // The function that needs a separate compiler.
  rmSync(join(shop, 'functions', 'stock'), { recursive: true });

  const { child, said } = startDev(shop);
  t.teardown(() => child.kill('SIGKILL'));
  const says = (text: RegExp) => until(`${text} in:\n${said()}`, async () => text.test(said()));

  await says(/Watching /);
  for (const name of ['orders', 'payments', 'receipts', 'report']) {
    t.regex(said(), new RegExp(`^Deployed ${name} version 1$`, 'm'), said());
  }
  t.regex(said(), /^ {2}topic orders:paid$/m);
  t.regex(said(), /^ {2}cron 0 6 \* \* \*$/m);

  const place = / POST (http\S+\/orders)$/m.exec(said())?.[1] ?? '';
  const placed = await fetch(place, { method: 'POST', body: '{"item":"book"}' });
  t.is(placed.status, 201);
  await says(/ success http POST \/orders /);

  const source = join(shop, 'functions', 'report', 'index.ts');
  const before = readFileSync(source, 'utf8');
  // A watcher that has just started may miss a change, so the change is repeated until it is seen.
  const changes = (text: string, answer: RegExp) =>
    until(`${answer}`, () => {
      writeFileSync(source, text);
      return saidSoon(answer, said);
    });
  await changes('export default {', /^error: .*index\.ts:1/m);
  await changes(`${before}\nconsole.info('changed');\n`, /^Deployed report version 2$/m);
  t.notRegex(said(), /^Deployed orders version 2$/m);

  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  t.is(code, 0, said());
});

test('orama dev deploys the functions beside one that does not build, and what waited for a readable project', async (t) => {
  t.timeout(300_000);
  const root = join(home, 'two');
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  const good = 'export default () => 1;\n';
  write('orama.yaml', 'functions: ["functions/*"]\n');
  for (const name of ['a', 'b', 'c']) {
    write(`functions/${name}/index.js`, name === 'b' ? 'export default {' : good);
    write(`functions/${name}/function.yaml`, name === 'c' ? 'name: [' : `name: ${name}\n`);
  }
  const { child, said } = startDev(root);
  t.teardown(() => child.kill('SIGKILL'));
  const changes = async (file: string, text: string, answer: RegExp) => {
    await until(`${answer}`, () => {
      write(file, text);
      return saidSoon(answer, said);
    });
  };
  await until('the engine', async () => /Watching /.test(said()));
  // All functions wait for the one whose settings cannot be read.
  t.notRegex(said(), /Deployed/);
  await changes('functions/c/function.yaml', 'name: c\n', /^Deployed c version 1$/m);
  await until('the other one that builds', async () => /^Deployed a version 1$/m.test(said()));
  await changes('functions/b/index.js', good, /^Deployed b version 1$/m);
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  t.is(code, 0, said());
});

test('orama dev shows addresses and triggers also of functions that are unchanged since its last start', async (t) => {
  t.timeout(300_000);
  const root = join(home, 'again');
  mkdirSync(join(root, 'functions', 'a'), { recursive: true });
  writeFileSync(join(root, 'orama.yaml'), 'functions: ["functions/*"]\n');
  writeFileSync(join(root, 'functions', 'a', 'index.js'), 'export default () => 1;\n');
  const settings = 'name: a\nhttp: {routes: ["GET /a"]}\ntriggers: [{topic: "orders:paid"}]\n';
  writeFileSync(join(root, 'functions', 'a', 'function.yaml'), settings);
  for (const opening of ['Deployed', 'Unchanged:']) {
    const { child, said } = startDev(root);
    t.teardown(() => child.kill('SIGKILL'));
    await until('the engine', async () => /Watching /.test(said()));
    t.regex(
      said(),
      new RegExp(`^${opening} a version 1\n {2}http\\S+/a\n {2}GET http\\S+/a\n {2}topic orders:paid$`, 'm'),
    );
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
});

/** Resolves with whether there is this answer within 2 s. */
function saidSoon(answer: RegExp, said: () => string): Promise<boolean> {
  return succeeds(until(`${answer}`, () => answer.test(said()), 2000));
}

/** Runs `orama dev` in a directory. `said` returns what it has printed. */
function startDev(root: string) {
  const child = spawn(process.execPath, [`${process.cwd()}/dist/app/orama.js`, 'dev', '--port', '0'], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: home, LOG_LEVEL: 'error', WORKER_PARKED: '4' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  }
  return { child, said: () => text };
}
