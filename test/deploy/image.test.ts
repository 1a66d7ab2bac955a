import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import test from 'ava';
import { type Copy, DockerfileParser, type Instruction } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { MB } from '../../src/contract/limits.js';
import { freePort } from '../helpers/free-port.js';
import { endProcess } from '../helpers/server-process.js';
import { canMount } from '../helpers/small-disk.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

/** Unpacked size of debian:12-slim. */
const BASE_MB = 75;
const UID = 1000;

const text = readFileSync('Dockerfile', 'utf8');
const dockerfile = DockerfileParser.parse(text);
const instructions = dockerfile.getInstructions();
const lastFrom = instructions.findLastIndex((each) => each.getKeyword() === 'FROM');
const final = instructions.slice(lastFrom);
const ofFinal = (keyword: string) => final.filter((each) => each.getKeyword() === keyword);
const wordsOf = (instruction: Instruction | undefined) =>
  instruction?.getArguments().map((argument) => argument.getValue()) ?? [];

const root = join(tempDir(), 'image');
const app = join(root, 'app');

test.before('the files of the final stage are assembled as in the build stage', () => {
  mkdirSync(join(root, 'usr/local/bin'), { recursive: true });
  mkdirSync(app);
  const packed = execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', root], {
    encoding: 'utf8',
  }).trim();
  const tarball = join(root, basename(packed.split('\n').at(-1) ?? ''));
  execFileSync('tar', ['-xzf', tarball, '-C', app, '--strip-components=1']);
  rmSync(tarball);
  const { stdout } = spawnSync('npm', ['ls', '--omit=dev', '--parseable', '--all'], { encoding: 'utf8' });
  for (const path of stdout
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')) {
    const target = join(app, path.slice(process.cwd().length));
    cpSync(path, target, {
      recursive: true,
      filter: (source) => !source.slice(path.length).includes('/node_modules'),
    });
  }
  for (const pattern of removed()) execFileSync('sh', ['-c', `rm -rf ${pattern}`], { cwd: app });
  for (const copy of ofFinal('COPY')) {
    const [from = '', to = ''] = wordsOf(copy);
    if (fromStage(copy)) continue;
    cpSync(from, join(root, to));
    chmodSync(join(root, to), statSync(from).mode);
  }
});

/** Returns the paths that the build stage removes from node_modules. */
function removed(): string[] {
  const [, list = ''] = /rm -rf ([\s\S]*?) \\\n &&/.exec(text) ?? [];
  return list.split(/[\s\\]+/).filter((word) => word !== '');
}

function fromStage(copy: Instruction): boolean {
  return (copy as Copy).getFromFlag() !== null;
}

test('the Dockerfile passes the linter', (t) => {
  t.deepEqual(validate(text), []);
  t.true(
    validate('FROM a\nENTRYPOINT ["a"]\nENTRYPOINT ["b"]\n').length > 0,
    'the linter reports a faulty Dockerfile',
  );
});

test('the final stage copies Node and the package and runs as a non-root user', (t) => {
  t.is(ofFinal('USER').length, 1);
  t.deepEqual(wordsOf(ofFinal('USER')[0]), [`${UID}:${UID}`]);
  t.deepEqual(ofFinal('COPY').filter(fromStage).map(wordsOf), [
    ['/usr/local/bin/node', '/usr/local/bin/node'],
    ['/app', './'],
  ]);
  t.true(removed().length >= 3);
  t.is(ofFinal('HEALTHCHECK').length, 1);
});

test('the image has at most 250 MB', (t) => {
  const size = (path: string): number =>
    statSync(path).isDirectory()
      ? readdirSync(path).reduce((sum, name) => sum + size(join(path, name)), 0)
      : statSync(path).size;
  const packages = readdirSync(join(app, 'node_modules'))
    .map((name): [string, number] => [name, size(join(app, 'node_modules', name)) / MB])
    .sort(([, a], [, b]) => b - a);
  const total = BASE_MB + statSync(process.execPath).size / MB + size(root) / MB;
  const list = packages.slice(0, 5).map(([name, mb]) => `${name} ${mb.toFixed(1)} MB`);
  t.log(`${total.toFixed(0)} MB: base ${BASE_MB}, app ${(size(app) / MB).toFixed(0)}; ${list.join(', ')}`);
  t.true(total <= 250, `${total} MB`);
});

/**
 * Runs a command in a chroot with the image's files and this machine's libraries, as the image's
 * user and with only /data and /tmp writable.
 */
function inImage(args: readonly string[], env: Record<string, string>): ChildProcess {
  const script = `set -e
    for each in usr lib lib64 bin etc; do
      [ -e /$each ] || continue
      mkdir -p "$1/$each"
    done
    mount --bind "$1" "$1"
    for each in lib lib64 bin etc; do [ -d /$each ] && mount --bind /$each "$1/$each"; done
    cp "$1/usr/local/bin/orama-entrypoint" "$1/entrypoint.$$"
    mv "$1/entrypoint.$$" "$1/entrypoint"
    mount --rbind /usr "$1/usr"
    mkdir -p "$1/data" "$1/tmp" "$1/dev" "$1/proc"
    mount --rbind /dev "$1/dev"
    mount -t proc proc "$1/proc"
    mount -o remount,bind,ro "$1"
    mount -t tmpfs -o mode=0700,uid=${UID},gid=${UID} tmpfs "$1/data"
    mount -t tmpfs tmpfs "$1/tmp"
    root="$1"; shift
    exec chroot --userspec=${UID}:${UID} "$root" sh -c 'cd /app && exec /entrypoint "$@"' sh "$@"`;
  return spawn('unshare', ['-m', 'sh', '-c', script, 'sh', root, ...args], {
    env: { PATH: process.env.PATH, HOME: '/data', ORAMA_DATA_DIR: '/data', NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const inNamespace = canMount() ? test : test.skip;

inNamespace(
  '`up` on a read-only root becomes healthy for HEALTHCHECK and exits with 0 on SIGTERM',
  async (t) => {
    const port = await freePort();
    const env = { PORT: String(port), FUNCTIONS_PORT: '0', HOST: '127.0.0.1' };
    const child = inImage(['up'], env);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part) => (said += part));
    t.teardown(() => endProcess(child));
    await until('the engine is healthy', async () => {
      if (child.exitCode !== null) throw new Error(said);
      const reply = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null);
      return reply?.status === 200;
    });
    const [health = ''] = ofFinal('HEALTHCHECK').map((each) => each.getRawArgumentsContent() ?? '');
    const command: string[] = JSON.parse(health.slice(health.indexOf('[')).replace(/\\\n/g, ''));
    const [program = '', ...args] = command;
    const check = (ports: { PORT: number; WORKER_PORT: number }) =>
      spawnSync(program, args, {
        env: { PATH: process.env.PATH, PORT: String(ports.PORT), WORKER_PORT: String(ports.WORKER_PORT) },
      }).status;
    const unused = await freePort();
    t.is(check({ PORT: port, WORKER_PORT: unused }), 0, 'a web process');
    t.is(check({ PORT: unused, WORKER_PORT: port }), 0, 'a worker');
    t.is(check({ PORT: unused, WORKER_PORT: unused }), 1);
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    t.is(code, 0, said);
  },
);

for (const [role, wanted] of [
  ['web', /REDIS_URL/],
  ['worker', /REDIS_URL/],
] as const) {
  inNamespace(
    `\`${role}\` starts the ${role} process, which exits with an error that names REDIS_URL`,
    async (t) => {
      const child = inImage([role], {});
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part) => (said += part));
      const [code] = await once(child, 'close');
      t.not(code, 0);
      t.regex(said, wanted);
    },
  );
}

inNamespace(
  '`release` exits with 0, and any other command is executed unchanged as the user of the image',
  async (t) => {
    for (const [args, wanted] of [
      [['release'], /./],
      [['node', '-p', 'process.getuid()'], new RegExp(`^${UID}\n$`)],
    ] as const) {
      const child = inImage(args, {});
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part) => (said += part));
      const [code] = await once(child, 'close');
      t.is(code, 0, said);
      t.regex(said, wanted);
    }
  },
);
