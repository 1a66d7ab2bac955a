import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { tempDir } from '../helpers/temp-dir.js';

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
  else test(`systemd: not found, not run: ${title}`, (t) => t.pass());
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

test('every unit starts a program of the package', (t) => {
  const { files } = JSON.parse(readFileSync('package.json', 'utf8'));
  t.true(files.includes('dist/app'));
  for (const name of services) {
    const text = readFileSync(join(DIRECTORY, name), 'utf8');
    t.regex(text, /^ExecStart=\/usr\/bin\/node \/opt\/orama\/dist\/app\/(main|worker)\.js( \w+)?$/m, name);
  }
});
