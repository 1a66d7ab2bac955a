import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { loadSite } from '../../src/http/static-site.js';
import { tempDir } from '../helpers/temp-dir.js';

const dir = tempDir();

test('console and guide are found in a directory whose path has spaces and other characters', async (t) => {
  const site = join(dir, 'my project 100% ä#', 'console');
  await mkdir(join(site, 'assets'), { recursive: true });
  await writeFile(join(site, 'index.html'), 'page');
  await writeFile(join(site, 'assets', 'a #1.js'), 'script');
  await writeFile(join(site, 'assets', 'a #1.js.gz'), 'compressed');
  const files = await loadSite(pathToFileURL(`${site}/`));
  t.deepEqual([...files.keys()].sort(), ['assets/a #1.js', 'index.html']);
  t.is(files.get('index.html')?.bodies.get('identity')?.toString(), 'page');
  t.deepEqual([...(files.get('assets/a #1.js')?.bodies.keys() ?? [])], ['gzip', 'identity']);
});
