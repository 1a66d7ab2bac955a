import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { lockDataDir } from '../../src/files/data-lock.js';
import { type Child, startChild } from '../helpers/child.js';
import { until } from '../helpers/until.js';

const test = anyTest as TestFn<{ dir: string; children: Child[] }>;
const holder = new URL('./processes/lock-holder.js', import.meta.url);

test.beforeEach(async (t) => {
  t.context = { dir: await mkdtemp(join(tmpdir(), 'orama-lock-')), children: [] };
});
test.afterEach.always(async (t) => {
  for (const child of t.context.children) await child.kill();
  await rm(t.context.dir, { recursive: true, force: true });
});

async function startHolder(
  { dir, children }: { dir: string; children: Child[] },
  how: 'lock' | 'share' = 'lock',
): Promise<Child> {
  const child = startChild(holder, [dir, how]);
  children.push(child);
  await until('the process has tried to take the lock', () => child.messages.length > 0);
  return child;
}

test('locking a directory that another process holds fails with the directory and that process id', async (t) => {
  const first = await startHolder(t.context);
  t.deepEqual(first.messages, ['locked']);
  const second = await startHolder(t.context);
  t.like(second.messages[0], { code: 'bad_config' });
  const { message } = second.messages[0] as { message: string };
  t.true(message.includes(t.context.dir) && message.includes(String(first.process.pid)), message);
});

test('the lock of a killed process can be taken at once', async (t) => {
  const first = await startHolder(t.context);
  await first.kill('SIGKILL');
  const second = await startHolder(t.context);
  t.deepEqual(second.messages, ['locked']);
});

test('processes that share a directory keep out one that needs it for itself, and the reverse', async (t) => {
  const sharing = [await startHolder(t.context, 'share'), await startHolder(t.context, 'share')];
  for (const { messages } of sharing) t.deepEqual(messages, ['locked']);
  for (const one of sharing) {
    const refused = await startHolder(t.context);
    t.like(refused.messages[0], { code: 'bad_config' });
    await one.kill('SIGKILL');
  }
  const alone = await startHolder(t.context);
  t.deepEqual(alone.messages, ['locked']);
  t.like((await startHolder(t.context, 'share')).messages[0], { code: 'bad_config' });
});

test('a second lock of a directory in one process fails until the first lock is closed', async (t) => {
  const lock = lockDataDir(t.context.dir);
  t.throws(() => lockDataDir(t.context.dir), { message: new RegExp(String(process.pid)) });
  await lock.close();
  await lock.close();
  await lockDataDir(t.context.dir).close();
  t.pass();
});

test('locking a directory that cannot be created fails with bad_config', async (t) => {
  const file = join(t.context.dir, 'file');
  await writeFile(file, '');
  t.throws(() => lockDataDir(file), { message: /cannot be used/, code: 'bad_config' });
});
