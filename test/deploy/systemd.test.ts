import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Api } from '../helpers/api.js';
import { startCluster } from '../helpers/cluster.js';
import { freePort } from '../helpers/free-port.js';
import { notRun } from '../helpers/not-run.js';
import { tempDir } from '../helpers/temp-dir.js';
import { runOneshot, startUnit } from '../helpers/unit.js';
import { assemble } from '../helpers/wat.js';

const DIRECTORY = 'deploy/systemd';
const units = readdirSync(DIRECTORY);
const services = units.filter((name) => name.endsWith('.service'));
const home = tempDir();

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
/**
 * Registers a test that needs systemd. Without systemd, the test passes with a note in its title.
 */
const withSystemd = (title: string, run: (t: ExecutionContext) => void) => {
  if (hasSystemd) test(title, run);
  else notRun(`systemd: not found, not run: ${title}`);
};

/** Returns the units with the program path of this machine. */
function unitsHere(): string[] {
  const directory = mkdtempSync(join(home, 'units-'));
  return units.map((name) => {
    const path = join(directory, name);
    const text = readFileSync(join(DIRECTORY, name), 'utf8').replaceAll('/usr/bin/node', process.execPath);
    writeFileSync(path, text);
    return path;
  });
}

withSystemd('systemd-analyze verify accepts every unit without a warning', (t) => {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', ...unitsHere()], {
    encoding: 'utf8',
  });
  t.is(status, 0, stdout + stderr);
  t.notRegex(stdout + stderr, /orama/);
  const wrong = join(mkdtempSync(join(home, 'wrong-')), 'orama-wrong.service');
  writeFileSync(wrong, '[Service]\nExecStart=/bin/true\nNoSuchDirective=yes\n');
  const refused = spawnSync('systemd-analyze', ['verify', wrong], { encoding: 'utf8' });
  t.regex(refused.stdout + refused.stderr, /NoSuchDirective/, 'systemd-analyze reports a faulty unit');
});

withSystemd('systemd-analyze security rates every service at 3.0 or lower', (t) => {
  for (const path of unitsHere().filter((name) => name.endsWith('.service'))) {
    const args = ['security', '--offline=yes', '--threshold=30', path];
    const { status, stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
    t.is(status, 0, `${path} ${stdout.split('\n').at(-2)}`);
  }
});

test('web and worker units wait for READY_FILE and have a stop timeout of at least 40 s', (t) => {
  for (const name of ['orama-web.service', 'orama-worker@.service']) {
    const text = readFileSync(join(DIRECTORY, name), 'utf8');
    t.regex(text, /READY_FILE=%t\/(\S+)\/ready\n/);
    const [, directory = ''] = /READY_FILE=%t\/(\S+)\/ready/.exec(text) ?? [];
    t.true(
      text.includes(`RuntimeDirectory=${directory}\n`),
      'RuntimeDirectory is the directory of READY_FILE',
    );
    t.regex(text, /ExecStartPost=.*READY_FILE/);
    const [, stop = '0'] = /TimeoutStopSec=(\d+)/.exec(text) ?? [];
    t.true(Number(stop) >= 40, '10 s more than SHUTDOWN_SECONDS');
  }
});

test('the start of a unit fails at once when its process ends before it is ready, and is tried again without limit', async (t) => {
  const place = {
    settings: {},
    runtimeDir: join(home, 'ended'),
    paths: [['/usr/bin/node', '/bin/false']],
  } as const;
  for (const name of ['orama-web.service', 'orama-worker@.service']) {
    const text = readFileSync(join(DIRECTORY, name), 'utf8');
    const [, timeout = ''] = /^TimeoutStartSec=(\d+)$/m.exec(text) ?? [];
    const begun = performance.now();
    await t.throwsAsync(startUnit(text, '1', place), { code: 1 } as never, name);
    t.true(performance.now() - begun < (Number(timeout) * 1000) / 4, name);
    t.regex(text, /^Restart=always$/m);
    const [unit = ''] = text.split('[Service]');
    t.regex(unit, /^StartLimitIntervalSec=0$/m);
  }
});

test('the example in the operations guide starts a worker as the unit does', (t) => {
  const [, example = ''] =
    /```ini\n(\[Unit\][\s\S]*?)```/.exec(readFileSync('docs/operations.md', 'utf8')) ?? [];
  const unit = readFileSync(join(DIRECTORY, 'orama-worker@.service'), 'utf8').split('\n');
  const lines = example.split('\n').filter((line) => line !== '' && !line.startsWith('Environment='));
  t.true(lines.length > 8);
  for (const line of lines) t.true(unit.includes(line), line);
});

test('the units make the schema, start, restart and stop a web process and two workers', async (t) => {
  const cluster = await startCluster();
  t.teardown(cluster.close);
  const port = await freePort();
  const place = {
    // As in /etc/orama.env.
    settings: { ...cluster.settings, PORT: String(port) },
    runtimeDir: join(home, 'runtime'),
    paths: [
      ['/usr/bin/node', process.execPath],
      ['/opt/orama', process.cwd()],
    ],
  } as const;
  const text = (name: string) => readFileSync(join(DIRECTORY, name), 'utf8');
  t.is(await runOneshot(text('orama-release.service'), place), 0);

  // The target names the instances.
  const [, wanted = ''] = /^Wants=(.*)$/m.exec(text('orama.target')) ?? [];
  t.deepEqual(wanted.split(' '), ['orama-web.service', 'orama-worker@1.service', 'orama-worker@2.service']);
  const started = [];
  for (const name of wanted.split(' ')) {
    const [, template = '', instance = ''] = /^([\w-]+@?)(\d*)\.service$/.exec(name) ?? [];
    const unit = await startUnit(text(`${template}.service`), instance, place);
    t.teardown(() => unit.stop());
    started.push(unit);
    const directory = join(place.runtimeDir, `${template.replace('@', '-')}${instance}`);
    t.is(readFileSync(join(directory, 'ready'), 'utf8').trim(), String(unit.pid), name);
  }
  const api = new Api(`http://127.0.0.1:${port}`, cluster.settings.ORAMA_ADMIN_KEY);
  const wasm = await assemble('(module (memory (export "memory") 1) (func (export "_start")))');
  t.is((await api.deploy('hello', wasm)).status, 201);
  t.is((await api.invoke('hello', '')).status, 200);
  for (const unit of started) await unit.restart();
  t.is((await api.invoke('hello', '')).status, 200);
  t.deepEqual(
    started.map(({ exits }) => [...exits]),
    [[0], [0], [0]],
  );
});

test('every unit starts a program of the package', (t) => {
  const { files } = JSON.parse(readFileSync('package.json', 'utf8'));
  t.true(files.includes('dist/app'));
  for (const name of services) {
    const text = readFileSync(join(DIRECTORY, name), 'utf8');
    t.regex(text, /^ExecStart=\/usr\/bin\/node \/opt\/orama\/dist\/app\/(main|worker)\.js( \w+)?$/m, name);
  }
});
