import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { canMount, smallDisk } from '../helpers/small-disk.js';
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
  options: { enter?: readonly string[]; uid?: number; gid?: number; redis?: string } = {},
): Promise<Run> {
  const { enter = [], redis, ...user } = options;
  const [program = '', ...args] = [...enter, process.execPath, join(process.cwd(), 'dist/app/orama.js')];
  const child = spawn(program, [...args, 'up', '--port', '0', '--data', data], {
    ...user,
    env: { PATH: process.env.PATH, HOME: home, ...(redis === undefined ? {} : { REDIS_URL: redis }) },
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

if (!canMount()) test('mounting is not allowed: "orama up" on a full disk was not run', (t) => t.pass());
else {
  test('the disk of the data directory is full: "orama up" ends with one sentence', async (t) => {
    const disk = await smallDisk(1);
    t.teardown(disk.close);
    await disk.fill();
    const { code, stderr } = await up(join(disk.dir, 'data'), { enter: disk.enter });
    t.is(code, 1, stderr);
    t.regex(stderr, /^error: .*(disk|space).*\n$/);
  });
}
