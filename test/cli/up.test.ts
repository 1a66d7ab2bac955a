import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { notRun } from '../helpers/not-run.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { startEngine } from '../helpers/running-engine.js';
import { canMount, type SmallDisk, smallDisk } from '../helpers/small-disk.js';
import { tempDir } from '../helpers/temp-dir.js';

const home = tempDir();
const file = join(home, 'file');
writeFileSync(file, '');
const readOnly = join(home, 'read-only');
mkdirSync(readOnly, { mode: 0o555 });

interface Run {
  code: number | null;
  stderr: string;
}

/** A user without rights in the directories of others. Root may write everywhere. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

async function up(
  data: string,
  options: {
    enter?: readonly string[];
    uid?: number;
    gid?: number;
    redis?: string;
    env?: Record<string, string>;
  } = {},
): Promise<Run> {
  const { enter = [], redis, env, ...user } = options;
  const [program = '', ...args] = [...enter, process.execPath, join(process.cwd(), 'dist/app/orama.js')];
  const child = spawn(program, [...args, 'up', '--port', '0', '--data', data], {
    ...user,
    env: { PATH: process.env.PATH, HOME: home, ...(redis === undefined ? {} : { REDIS_URL: redis }), ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    // Much longer than a start takes; without it, a hanging engine would outlive the test.
    timeout: 240_000,
    killSignal: 'SIGKILL',
  });
  const [stderr] = await Promise.all([text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stderr };
}

const UNUSABLE: Record<string, [data: string, reason: RegExp]> = {
  'a directory under /proc': ['/proc/orama/data', /ENOENT/],
  'a file': [file, /EEXIST/],
  'a directory below a file': [join(file, 'data'), /ENOTDIR/],
  'a name that is too long': [join(home, 'x'.repeat(300)), /ENAMETOOLONG/],
  'a path that is too long': [`/${'long/'.repeat(1000)}`, /ENAMETOOLONG/],
  'a directory that only another user may write': [readOnly, /EACCES/],
  'a directory below one that only another user may write': [join(readOnly, 'data'), /EACCES/],
};

test.before(() => chmodSync(home, 0o755));

for (const [what, [data, reason]] of Object.entries(UNUSABLE)) {
  test(`the data directory is ${what}: "orama up" ends with one sentence`, async (t) => {
    const { code, stderr } = await up(data, NOBODY);
    t.is(code, 1, stderr);
    t.regex(stderr, /^error: The data directory .* cannot be made or written: .*\n$/);
    t.regex(stderr, reason);
    t.regex(stderr, /--data or ORAMA_DATA_DIR/);
  });
}

test('a start with a revoked admin key goes on without it and says what to do', async (t) => {
  const first = await startEngine();
  t.teardown(first.close);
  const { dataDir, adminKey } = first;
  const { json: listed } = await first.api.get('/v1/auth/keys');
  const [{ id }] = (listed as { keys: [{ id: string }] }).keys;
  await first.api.delete(`/v1/auth/keys/${id}`);
  await first.stop();

  const second = await startEngine({ dataDir });
  t.teardown(second.close);
  t.is((await second.api.get('/v1/auth/keys')).status, 401);
  t.regex(second.log(), /"level":50.*admin-key has been revoked.*delete this file and restart/);
  t.regex(second.log(), /^The admin key of this engine has been revoked/m);
  await second.stop();
  const third = await startEngine({ dataDir, env: { ORAMA_ADMIN_KEY: adminKey } });
  t.teardown(third.close);
  t.regex(third.log(), /ORAMA_ADMIN_KEY has been revoked.*set another one/);
  await third.stop();

  await rm(join(dataDir, 'admin-key'));
  const fourth = await startEngine({ dataDir });
  t.teardown(fourth.close);
  t.not(fourth.adminKey, adminKey);
  t.is((await fourth.api.get('/v1/auth/keys')).status, 200);
});

if (!canMount()) notRun('mounting is not allowed: "orama up" on a full disk was not run');
else {
  test('the disk of the data directory is full: "orama up" ends with one sentence', async (t) => {
    const disk = await smallDisk(1);
    t.teardown(disk.close);
    await disk.fill();
    const { code, stderr } = await up(join(disk.dir, 'data'), { enter: disk.enter });
    t.is(code, 1, stderr);
    t.regex(stderr, /^error: .*(disk|space).*\n$/);
  });

  test('the disk has no room for the second key: "orama up" ends with one sentence and leaves no draft', async (t) => {
    const disk = await smallDisk(1);
    t.teardown(disk.close);
    await fillBut(disk, 8);
    const { code, stderr } = await up(join(disk.dir, 'data'), { enter: disk.enter });
    t.is(code, 1, stderr);
    t.regex(stderr, /^error: The data directory .*ENOSPC.*\n$/);
    const files = await readdir(join(outside(disk), 'data'));
    t.deepEqual(files.sort(), ['admin-key', 'lock', 'lock.pid']);
  });

  test('a start that fails on a full disk ends although the jobs it has taken cannot be settled', async (t) => {
    const disk = await smallDisk(16);
    t.teardown(disk.close);
    const data = join(disk.dir, 'data');
    const engine = await startEngine({ dataDir: data, enter: disk.enter });
    t.teardown(engine.kill9);
    await engine.api.deploy('probe', await probeWasm());
    const sleeps = commands({ op: 'sleep', n: 1000 });
    for (let i = 0; i < 5; i++) await engine.api.invoke('probe', sleeps, { prefer: 'respond-async' });
    await engine.kill9();
    await fillBut(disk, 32);
    const env = { READY_FILE: '/nowhere/ready', SHUTDOWN_SECONDS: '3', QUEUE_LOCK_SECONDS: '1' };
    const { code, stderr } = await up(data, { enter: disk.enter, env });
    t.is(code, 1, stderr);
    // Whichever file is the first that cannot be written: `running/…`, `url` or READY_FILE.
    t.regex(stderr, /^error: (READY_FILE|The data directory|The directory \S+running )/m);
  });
}

/** The path of the file system from outside. */
function outside(disk: SmallDisk): string {
  return join(`/proc/${disk.enter[2]}/root`, disk.dir);
}

/** Fills the disk but for some kilobytes. */
async function fillBut(disk: SmallDisk, kilobytes: number): Promise<void> {
  const room = join(outside(disk), 'room');
  await writeFile(room, Buffer.alloc(kilobytes << 10));
  await disk.fill();
  await rm(room);
}
